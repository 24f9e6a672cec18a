"""Declarations of the columns in records and tables, and the glossary (docs/metrics.md) that is made from them.

Every column is declared once, beside the code that computes it. A file declares its columns as a module constant, a
list of calls with literal arguments, under an optional title of its section in the glossary:

    TITLE = "Recognition"
    COLUMNS = [Column("accuracy", unit="share of test images", direction="higher", meaning="...", ...)]

Declarations are read from the source text, so that reports and the glossary import neither torch nor the metrics.
"""

from __future__ import annotations

import ast
import textwrap
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from benchmarks.glossary import PREFACE, RELATED_TABLES

ROOM = Path(__file__).parent
METRIC_FOLDERS = [ROOM / "score" / "metrics"]
DECLARATIONS, TITLE, COMPUTE = "COLUMNS", "TITLE", "compute"
SAMPLES = "Generated images"
BETTER = {"lower": "lower is better", "higher": "higher is better", None: "neither is better"}
TITLES = ["What a row is", SAMPLES, "Recognition", "Likelihood and reconstruction", "Gradient reach"]
TITLES += ["Train/inference mismatch", "Cost", "Uncertainty"]


@dataclass(frozen=True)
class Column:
    """One column of the tables, or several that share one glossary entry.

    name: in records and CSV files, in snake case; a unit that a reader needs is part of it.
    unit: in words, such as "share of samples" or "milliseconds per image".
    direction: "lower" or "higher" is better, or None where neither is.
    meaning: one or two sentences for the glossary.
    formula: how it is computed.
    source: paper with equation, or library.
    misleads: how the number can be misread or fooled.
    head: its head in the readable tables, None where it stands in CSV files only.
    style: how the readable tables print it: "number", "percent", "count" or "text".
    also: further columns that the same entry describes, such as the other end of an interval.
    code: file or folder that computes it, where that is not the file of the declaration; relative to the repository.
    """

    name: str
    unit: str
    direction: Literal["lower", "higher"] | None
    meaning: str
    formula: str
    source: str
    misleads: str
    head: str | None = None
    style: Literal["number", "percent", "count", "text"] = "number"
    also: tuple[str, ...] = ()
    code: str | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Every column that this entry describes."""
        return (self.name, *self.also)

    def entry(self, code: str) -> str:
        """The glossary entry in Markdown. code: file or folder that computes the column, relative to the repository."""
        direction = "does not apply" if self.style == "text" else BETTER[self.direction]
        parts = {"unit": self.unit, "direction": direction, "source": self.source}
        parts |= {"misleads": self.misleads, "code": f"`{code}`"}
        # A formula stays on one line: wrapped before a minus, the rest of it would become a list item.
        lines = [_wrapped(f"- {name}: {text}", indent="  ") for name, text in parts.items()]
        lines.insert(2, f"- formula: {self.formula}")
        heading = ", ".join(f"`{name}`" for name in self.names)
        return "\n".join([f"### {heading}", _wrapped(self.meaning), *lines])


def declared(path: Path) -> tuple[Column, ...]:
    """The columns that the file at `path` declares; none where it has no `COLUMNS` made of calls of `Column`.

    Raises ValueError where a declaration is not made of literals alone.
    """
    return _parsed(path, path.stat().st_mtime_ns)[1]


def metric_files() -> list[Path]:
    """The files of the metrics of generated images, sorted by name: those of `METRIC_FOLDERS` with a `compute`.

    They are imported by name at run time, so a hash of the scoring code must add them to what imports reach.
    """
    files = (path for folder in METRIC_FOLDERS for path in folder.glob("*.py"))
    return sorted((path for path in files if _parsed(path, path.stat().st_mtime_ns)[2]), key=lambda path: path.stem)


def of_metrics() -> dict[str, tuple[Column, ...]]:
    """The columns of each metric of generated images: stem of its file -> its columns, sorted by stem.

    Raises ValueError where a metric declares no columns, or where two of them declare the same one.
    """
    found, owners = {}, {}
    for path in metric_files():
        if not (columns := declared(path)):
            raise ValueError(f"{path}: a metric must declare its columns; add {DECLARATIONS} = [Column(...)]")
        found[path.stem] = columns
        for name in (name for column in columns for name in column.names):
            if (other := owners.setdefault(name, path)) is not path:
                raise ValueError(f"{path}: column {name!r} is already declared in {other}; choose another name")
    return found


def everywhere() -> dict[str, list[tuple[Path, Column]]]:
    """Every declared column with the file of its declaration, by title of its glossary section, in the page's order."""
    found: dict[str, list[tuple[Path, Column]]] = {title: [] for title in TITLES}
    files = {path for folder in (ROOM, *METRIC_FOLDERS) for path in folder.rglob("*.py")}
    for path in sorted(files):
        title, columns, _ = _parsed(path, path.stat().st_mtime_ns)
        found.setdefault(title, []).extend((path, column) for column in columns)
    return {title: columns for title, columns in found.items() if columns}


def glossary() -> str:
    """The glossary in Markdown, which docs/metrics.md is: one entry per declaration, grouped by title."""
    sections = [
        "\n\n".join([f"## {title}", *(column.entry(_code(column, path)) for path, column in columns)])
        for title, columns in everywhere().items()
    ]
    return "\n\n".join([PREFACE, *sections, RELATED_TABLES]) + "\n"


def _code(column: Column, path: Path) -> str:
    """Where a column is computed: as declared; else the folder of a file of declarations, or the declaring file."""
    place = path.parent if path.stem == "columns" else path
    if column.code:
        return column.code
    inside = place.relative_to(ROOM.parent).as_posix() if place.is_relative_to(ROOM) else place.name
    return f"{inside}/" if place.is_dir() else inside


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


@cache
def _parsed(path: Path, changed: int) -> tuple[str, tuple[Column, ...], bool]:
    """(title, columns, whether it has a function `compute`) of a file.

    changed: time of its last change, so that an edited file is read again.
    """
    text = path.read_text(encoding="utf-8")
    if "Column(" not in text and f"def {COMPUTE}(" not in text:
        return "", (), False
    title, columns, computes = None, (), False
    for node in ast.parse(text, str(path)).body:
        name = node.targets[0].id if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) else None
        if name == DECLARATIONS and isinstance(node.value, ast.List):
            columns = tuple(_column(call, path) for call in node.value.elts if isinstance(call, ast.Call))
        elif name == TITLE:
            title = ast.literal_eval(node.value)
        computes |= isinstance(node, ast.FunctionDef) and node.name == COMPUTE
    return title or SAMPLES, columns, computes


def _column(call: ast.Call, path: Path) -> Column:
    try:
        return Column(
            *(ast.literal_eval(argument) for argument in call.args),
            **{keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords},
        )
    except (TypeError, ValueError) as error:
        message = f"{path}, line {call.lineno}: {DECLARATIONS} takes calls of Column with literal arguments: {error}"
        raise ValueError(message) from None
