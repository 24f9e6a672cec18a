"""The cost of training at which each variant first reaches a quality."""

from __future__ import annotations

import math

from pandas import DataFrame

from benchmarks.report.formats import DASH, number
from benchmarks.report.frames.budgets import time_to_target, without_timing
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.pace import NO_TIMING
from benchmarks.report.tables.at_equal_flops import measure, noted
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "time_to_target", 10
TITLES = {"flops": "Training FLOPs", "images": "Training images", "seconds": "Training seconds"}
NOTE = (
    "Median over training seeds, where a seed that never reached the target counts as infinite; lower is better. In "
    "brackets: how many seeds reached it, where not all. The curve is interpolated linearly on log axes."
)


def data(frames: Frames, comparison: DataFrame) -> DataFrame:
    """One row per variant, measure, NFE, axis of cost and target."""
    return time_to_target(frames)


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One sheet per axis of cost: median over seeds, and how many of them reached the target."""
    found = []
    for axis, lines in rows.groupby("axis", sort=False):
        cells = {}
        for row in lines.itertuples():
            reached = f" ({row.n_reached} of {row.n_seeds})" if row.n_reached < row.n_seeds else ""
            text = ("∞" if math.isinf(row.median) else number(row.median)) + reached
            sign = "≥" if row.measure == "accuracy" else "≤"
            head = f"{measure(row)} {sign} {row.target:g}"
            cells.setdefault(row.variant, {"variant": row.variant})[head] = text
        found.append(Sheet(f"{TITLES[axis]} to a quality", DataFrame(list(cells.values())).fillna(DASH)))
    left = without_timing(frames).variant
    notes = (NOTE, f"No {TITLES['seconds'].lower()}, since there is {NO_TIMING}: {', '.join(left)}.")
    return noted(found, notes if len(left) else notes[:1])
