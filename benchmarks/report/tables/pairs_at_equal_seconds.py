"""Paired ratios at equal training seconds: both variants of a declared pair, read where the cheaper of them ended."""

from __future__ import annotations

from pandas import DataFrame, Series

from benchmarks.report.formats import number
from benchmarks.report.frames.budgets import pairs_at_equal
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.at_equal_flops import MID_SCHEDULE
from benchmarks.report.tables.sheet import Sheet, dense

DOCUMENT, ORDER = "at_equal_seconds", 20
NOTE = (
    "FID ratio of the first variant over that of the second by the first sampler of each, as the geometric mean over "
    "training seeds, with its 95 % t interval on the logarithmic scale. Read seed by seed where the cheaper one ended, "
    "at the NFEs of the curves along training; seconds as in the table above."
)


def data(frames: Frames, comparison: DataFrame) -> DataFrame | None:
    """One row per data set and declared pair whose NFEs the curves have; None without any."""
    found = pairs_at_equal(frames, "seconds")
    return found if len(found) else None


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per pair, in the order of the preset."""
    return [Sheet("Pairs at equal seconds", dense([_line(row) for _, row in rows.iterrows()]), (NOTE, MID_SCHEDULE))]


def _line(row: Series) -> dict[str, str]:
    interval = "" if row.n_seeds < 2 else f" ({row.ci_low:.2f} to {row.ci_high:.2f})"
    return {
        **{"claim": row.claim, "first": f"{row.variant_a}, {row.nfe_a} NFE"},
        **{"second": f"{row.variant_b}, {row.nfe_b} NFE", "seeds": str(row.n_seeds), "seconds": number(row["at"])},
        "ratio": f"{row.ratio:.2f}{interval}",
    }
