"""Tables and figures from the records of a results folder; nothing here trains, samples or imports torch."""

from __future__ import annotations

from pathlib import Path

from pandas import DataFrame

from benchmarks.errors import BadInput
from benchmarks.report import figures, tables
from benchmarks.report.frames import aa, budgets, read
from benchmarks.report.frames.comparison import comparison
from benchmarks.report.summary import summary
from benchmarks.report.tables.at_equal_flops import on_axis
from benchmarks.report.tables.markup import plain

__all__ = ["at_equal", "summary", "write"]


def write(results_dir: Path, aa_dir: Path | None = None) -> DataFrame:
    """Write `results_dir`/tables and /figures from the records of `results_dir`, and return the comparison.

    aa_dir: results folder of the A/A study for minimum detectable effects; None for the one that `aa.noise` finds.
    Raises BadInput where there are no records or the folder cannot be written.
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
    """`budgets.at_equal` of the records of `results_dir`, for a terminal or as JSON. axis: flops, images or seconds."""
    table = budgets.at_equal(read(Path(results_dir)), axis)
    if as_json:
        return table.to_json(orient="records", indent=1)
    unit = "training FLOPs" if axis == "flops" else f"training {axis}"
    parts = [sheet for _, rows in table.groupby("dataset") for sheet in on_axis(rows, unit)]
    return "\n\n".join(plain(sheet) for sheet in parts) or "nothing was measured along training"
