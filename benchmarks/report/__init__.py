"""Tables and figures from the records of a results folder; nothing here trains, samples or imports torch."""

from __future__ import annotations

from pathlib import Path

from pandas import DataFrame

from benchmarks.errors import BadInput
from benchmarks.report import figures, tables
from benchmarks.report.comparison import comparison
from benchmarks.report.frames import read
from benchmarks.report.tables import summary

__all__ = ["summary", "write"]


def write(results_dir: Path) -> DataFrame:
    """Write `results_dir`/tables and /figures from `results_dir`/cells, and return the comparison table.

    Raises BadInput where there are no records or the folder cannot be written.
    """
    results_dir = Path(results_dir)
    frames = read(results_dir)
    table = comparison(frames)
    try:
        tables.write(table, frames, results_dir / "tables")
        figures.write(frames, results_dir / "figures")
    except OSError as error:
        raise BadInput(f"results folder {results_dir}: cannot write the report: {error.strerror}") from None
    return table
