"""Tables and figures from the records of a results folder; nothing here trains, samples or imports torch."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

from pandas import DataFrame

from benchmarks.errors import BadInput
from benchmarks.report import figures, tables
from benchmarks.report.frames import Frames, aa, budgets, read
from benchmarks.report.frames.comparison import comparison
from benchmarks.report.summary import summary
from benchmarks.report.tables.fields import mark_notes, signed
from benchmarks.report.tables.markup import plain

__all__ = ["at_equal", "summary", "write"]


def write(results_dir: Path, aa_dir: Path | None = None, failures: list[str] | None = None) -> DataFrame:
    """Write `results_dir`/tables and /figures from the records of `results_dir`, and return the comparison.

    aa_dir: results folder of the A/A study for minimum detectable effects; None for the one that `aa.noise` finds.
    failures: gets a line for every table or figure that fails; None for nobody who reads them.
    A table or figure that fails is named on standard error and in comparison.md as well; all others are written.
    Raises BadInput where there are no records or the folder cannot be written.
    """
    results_dir = Path(results_dir)
    frames = read(results_dir)
    table = comparison(frames, aa.noise(frames, aa_dir))
    try:
        failed = figures.write(frames, results_dir / "figures") or []
        failed = tables.write(table, frames, results_dir / "tables", failed)
    except OSError as error:
        raise BadInput(f"results folder {results_dir}: cannot write the report: {error.strerror}") from None
    for line in tables.failed(failed):
        print(line, file=sys.stderr)
    if failures is not None:
        failures += failed
    return table


def at_equal(results_dir: Path, axis: str, as_json: bool = False) -> str:
    """`budgets.at_equal` of the records of `results_dir`, for a terminal or as JSON. axis: flops, images or seconds."""
    frames = read(Path(results_dir))
    table = budgets.at_equal(frames, axis)
    if as_json:
        return table.to_json(orient="records", indent=1)
    module = tables.found()[f"at_equal_{axis}"]
    parts = [_along(frames.of(dataset), module, table[table.dataset == dataset]) for dataset in frames.datasets]
    return "\n\n".join(text for text in parts if text) or "nothing was measured along training"


def _along(frames: Frames, module: ModuleType, rows: DataFrame) -> str:
    """The sheets of one data set of a table along training, for a terminal."""
    sheets = signed(module.sheets(frames, rows), frames)
    return "\n\n".join([*map(plain, sheets), *(mark_notes(frames) if sheets else [])])
