"""What a number in the tables is: every column is declared once, in the file that computes it.

A file declares its columns as a module constant, a list of calls with literal arguments:

    COLUMNS = [Column("kid", unit="squared kernel units", direction="lower", meaning="...", formula="...", ...)]

Records, tables and the glossary (docs/metrics.md) follow from it. Declarations are read from the source: whoever writes
a table imports neither torch nor the metric.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

METRICS = Path(__file__).parent / "score" / "metrics"
NAME = "COLUMNS"


@dataclass(frozen=True)
class Column:
    """A column of the tables.

    name: in records and CSV files, in snake case; a unit that a reader needs is part of it.
    unit: in words, such as "share of samples" or "milliseconds per image".
    direction: "lower" or "higher" is better, or None where neither is.
    meaning: one or two sentences for the glossary.
    formula: how it is computed.
    source: paper with equation, or library.
    misleads: how the number can be misread or fooled.
    head: its head in the readable tables, None where it stands in CSV files only.
    style: how the readable tables print it: "number", "percent" or "count".
    """

    name: str
    unit: str
    direction: Literal["lower", "higher"] | None
    meaning: str
    formula: str
    source: str
    misleads: str
    head: str | None = None
    style: Literal["number", "percent", "count"] = "number"


@cache
def declared(path: Path) -> tuple[Column, ...]:
    """The columns that the file at `path` declares; none where it has no `COLUMNS`.

    Raises ValueError where a declaration is not made of literals alone.
    """
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [getattr(target, "id", None) for target in node.targets] == [NAME]:
            return tuple(_column(call, path) for call in node.value.elts)
    return ()


def of_metrics() -> dict[str, tuple[Column, ...]]:
    """The columns of each metric of generated images: name of its file -> its columns, by name of the file."""
    files = sorted(path for path in METRICS.glob("*.py") if path.stem != "__init__")
    return {path.stem: columns for path in files if (columns := declared(path))}


def _column(call: ast.expr, path: Path) -> Column:
    try:
        return Column(
            *(ast.literal_eval(argument) for argument in call.args),
            **{keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords},
        )
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"{path}, line {call.lineno}: {NAME} takes calls of Column with literals: {error}") from None
