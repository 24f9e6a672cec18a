"""Quality at equal training FLOPs: the largest number that every finished variant of the task has spent."""

from __future__ import annotations

from dataclasses import replace

from pandas import DataFrame

from benchmarks.report.formats import DASH, number, percent, plus_minus
from benchmarks.report.frames.budgets import at_equal
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.intervals import half_shown
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "at_equal_flops", 10
MID_SCHEDULE = (
    "Before the end of its budget a curve is read in mid-schedule: the learning rate has not decayed yet, so the "
    "number is worse than that of a run planned for this cost."
)


def data(frames: Frames, comparison: DataFrame) -> DataFrame:
    """One row per variant, measure and NFE."""
    return at_equal(frames, "flops")


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One sheet per task."""
    return on_axis(rows, "training FLOPs")


def on_axis(table: DataFrame, unit: str) -> list[Sheet]:
    """One sheet per task: one line per variant, one column per measure. unit: of the cost, in words."""
    sheets = []
    for task, rows in table.groupby("task", sort=False):
        cells = {}
        for row in rows.itertuples():
            half = half_shown(row.mean, row.ci_low, row.ci_high)
            text = percent(row.mean, 1, half) if row.measure == "accuracy" else plus_minus(row.mean, half)
            cells.setdefault(row.variant, {"variant": row.variant})[measure(row)] = text
        title = f"{task.capitalize()} at {number(rows['at'].iloc[0])} {unit}"
        sheets.append(Sheet(title, DataFrame(list(cells.values())).fillna(DASH)))
    note = (
        f"Read at the most {unit} that every variant of the task has spent, between two measured points by linear "
        f"interpolation on log axes. {DASH}: the first measured point lies beyond, or a note says why. Mean ± half of "
        "the 95 % t interval over training seeds."
    )
    return noted(sheets, (note, MID_SCHEDULE, *_earlier(table)))


def _earlier(table: DataFrame) -> list[str]:
    """The variants that are left out because they were in an earlier stage of training than their last."""
    found = table.dropna(subset="stage").drop_duplicates("variant")
    names = ", ".join(f"{row.variant} (in {row.stage})" for row in found.itertuples())
    return [f"Left out, since an earlier stage of training than the last was under way at that cost: {names}."] * bool(
        names
    )


def noted(sheets: list[Sheet], notes: tuple[str, ...]) -> list[Sheet]:
    """The sheets with notes about all of them below the last."""
    return [*sheets[:-1], *(replace(sheet, notes=notes) for sheet in sheets[-1:])]


def measure(row) -> str:
    """The name of a row's measure, with its NFE."""
    return "accuracy" if row.measure == "accuracy" else f"FID ratio, {row.nfe:g} NFE"
