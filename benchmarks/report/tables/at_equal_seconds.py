"""Quality at equal training seconds: the largest number that every finished variant of the task has spent."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report.frames.budgets import at_equal
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.at_equal_flops import on_axis
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "at_equal_seconds", 10


def data(frames: Frames, comparison: DataFrame) -> DataFrame:
    """One row per variant, measure and NFE."""
    return at_equal(frames, "seconds")


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One sheet per task."""
    return on_axis(rows, "training seconds")
