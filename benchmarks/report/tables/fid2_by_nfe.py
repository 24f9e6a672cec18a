"""FID ratio in the features of the second scoring network, at every NFE."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.marked import by_nfe
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "comparison", 20


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per variant and sampler, one column per NFE."""
    network = caption.extractors(frames, "fid2_extractor")
    return by_nfe(rows, "fid2_ratio", f"FID ratio by the second scoring network ({network})")
