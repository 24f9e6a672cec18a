"""Reconstruction error of test images; a reconstruction is no sample and enters no FID."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report.formats import plus_minus
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.intervals import half_shown
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "comparison", 60
NOTE = (
    "Squared error summed over pixels in [0, 1], mean over test images, ± half of the 95 % t interval over seeds. "
    "Lower is better. The chain starts at the test image, so this does not measure samples drawn from noise."
)


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per variant that reconstructs images."""
    rows = rows[rows.squared_error.notna()].drop_duplicates("variant")
    if rows.empty:
        return []
    half = half_shown(rows.squared_error, rows.squared_error_ci_low, rows.squared_error_ci_high)
    lines = [
        {"variant": row.variant, "paradigm": row.title, "squared error": plus_minus(row.squared_error, width)}
        for row, width in zip(rows.itertuples(), half, strict=True)
    ]
    return [Sheet("Reconstruction", DataFrame(lines), (NOTE,))]
