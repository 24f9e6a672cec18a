"""FID ratio of every variant and sampler at every NFE."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.marked import by_nfe
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "comparison", 10


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per variant and sampler, one column per NFE."""
    return by_nfe(rows, "fid_ratio", f"FID ratio ({caption.extractors(frames, 'fid_extractor')})")
