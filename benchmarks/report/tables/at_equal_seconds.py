"""Quality at equal training seconds: the largest number that every finished variant of the task has spent.

Seconds are those of timing cells that had the computer to themselves: seconds per update, times updates.
"""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report.frames.budgets import at_equal, without_timing
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.pace import NO_TIMING
from benchmarks.report.tables.at_equal_flops import on_axis
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "at_equal_seconds", 10
EVEN_EMPTY = True
NOTE = (
    "Seconds: seconds per update in the variant's timing cells, which had the computer to themselves, times updates. "
    "The seconds of the trained cells themselves are not used, since other cells ran at the same time."
)


def data(frames: Frames, comparison: DataFrame) -> DataFrame:
    """One row per variant, measure and NFE."""
    return at_equal(frames, "seconds")


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One sheet per task, and one that names the variants left out."""
    found = on_axis(rows, "training seconds")
    left = without_timing(frames).variant
    if len(left):
        body = DataFrame({"variant": left, "training seconds": NO_TIMING})
        found.append(Sheet("Left out", body, (NOTE,)))
    return found
