"""The comparison itself, for programs, and what is said below its readable tables."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.formats import DASH
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.sheet import Sheet

DOCUMENT, ORDER = "comparison", 0
FORMS = ("md", "tex")
DETECTABLE = (
    "min. detectable: the smallest difference, relative to the mean, between two rows of as many seeds (for times: "
    "launches) that a two-sided 5 % test finds with a power of 80 %. It is computed from an A/A study of one generator "
    "and one recogniser at the nearest NFE. Variants with more noise than these need larger differences, as their "
    "intervals show. For times it holds on the study's hardware."
)
NO_STUDY = "There is no A/A study of this data set, so minimum detectable effects are unknown."


def data(frames: Frames, comparison: DataFrame) -> DataFrame:
    """The comparison with all of its columns."""
    return comparison


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """None: the other tables of the document show its columns."""
    return []


def notes(frames: Frames, rows: DataFrame) -> list[str]:
    """Seeds, scoring, minimum detectable effects, timing, and why cells failed or stand in rows of their own."""
    known = rows[[name for name in rows if name.endswith("_mde")]].notna().any(axis=None)
    return [
        f"Means over {caption.seeds(frames)}. {DASH}: does not apply or was not measured.",
        caption.scoring(frames),
        *(f"{note}." for note in frames.cells.floor_corrected.dropna().unique()),
        DETECTABLE if known else NO_STUDY,
        caption.timing(frames),
        *_reasons(frames),
    ]


def _reasons(frames: Frames) -> list[str]:
    cells = frames.cells.dropna(subset="reason")
    found = [f"{c.variant}: {'' if c.status == 'done' else f'{c.status}: '}{c.reason}" for c in cells.itertuples()]
    return list(dict.fromkeys(found))
