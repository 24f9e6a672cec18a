"""Paired tests of recognisers on the same test images."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report.formats import number
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.paired import paired
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "comparison", 70


def data(frames: Frames, comparison: DataFrame) -> DataFrame:
    """One row per pair of recognisers."""
    return paired(frames)


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per pair of recognisers."""
    lines = [
        {
            "pair": f"{pair.variant_a} against {pair.variant_b}",
            "difference": f"{100 * pair.accuracy_difference:+.2f} %",
            **{"only the first right": number(pair.only_a_right), "only the second": number(pair.only_b_right)},
            **{"p": number(pair.p_value), "p, Holm": number(pair.p_value_holm)},
        }
        for pair in rows.itertuples()
    ]
    note = (
        f"McNemar's exact test on each of {rows.n_seeds.max()} training seeds. Numbers of images are means over seeds. "
        "p: twice the median of the seeds' p values, at most 1. Holm: corrected for the number of pairs."
    )
    return [Sheet("Recognisers on the same test images", DataFrame(lines), (note,))]
