"""Tables and figures from the records of a results folder; nothing here trains, samples or imports torch."""

from __future__ import annotations

from pathlib import Path

from pandas import DataFrame

from benchmarks.errors import BadInput
from benchmarks.report import aa, budgets, costs, figures, markup, tables
from benchmarks.report.comparison import comparison
from benchmarks.report.frames import read
from benchmarks.report.summary import summary

__all__ = ["at_equal", "summary", "write"]


def write(results_dir: Path, aa_dir: Path | None = None) -> DataFrame:
    """Write `results_dir`/tables and /figures from `results_dir`/cells, and return the comparison table.

    aa_dir: the results folder of the A/A study to judge by; None for the one that `aa.noise` finds. Raises BadInput
    where there are no records or the folder cannot be written.
    """
    results_dir = Path(results_dir)
    frames = read(results_dir)
    table = comparison(frames, aa.noise(frames, aa_dir))
    try:
        tables.write(table, frames, results_dir / "tables")
        figures.write(frames, results_dir / "figures")
    except OSError as error:
        raise BadInput(f"results folder {results_dir}: cannot write the report: {error.strerror}") from None
    return table


def at_equal(results_dir: Path, axis: str, as_json: bool = False) -> str:
    """`budgets.at_equal` of the records of `results_dir`, for a terminal or as JSON."""
    table = budgets.at_equal(read(Path(results_dir)), axis)
    if as_json:
        return table.to_json(orient="records", indent=1)
    parts = [sheet for _, rows in table.groupby("dataset") for sheet in costs.at_equal(rows, axis)]
    return "\n\n".join(markup.plain(sheet) for sheet in parts) or "nothing was measured along training"
