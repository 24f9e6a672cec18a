"""Paired ratios of FIDs: the pairs of variants that a preset declares, compared seed by seed."""

from __future__ import annotations

import pandas as pd
from pandas import DataFrame, Series

from benchmarks.report.formats import DASH, number
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.ratios import ratios
from benchmarks.report.tables.sheet import Sheet, dense

DOCUMENT, ORDER = "comparison", 45
NOTES = (
    "Ratio: FID of the first variant over that of the second, as the geometric mean over training seeds that both "
    "have, with its 95 % t interval on the logarithmic scale; 2: by the second scoring network. p: two-sided t test of "
    "a ratio of 1, by the first network; Holm: corrected for the pairs of this table.",
    "Outcome: lower or higher where by both scoring networks the interval excludes 1 and p is below 0.05 after Holm's "
    "correction. Suggestive where the interval excludes 1 by at least one network and the other does not contradict "
    "it; otherwise undecided.",
    "The sampler, and the NFE where the preset asks for the best one, are those with the lowest mean FID by the first "
    "network: to the validation split where the records have it, else to the test split. One seed has no interval.",
)
DETAILS = ("p", "p 2", "ratio 3", "views")
VIEWS = (
    "Ratio 3: by features of a network that was never trained. Views: a fact where the intervals by all three networks "
    "exclude 1 on one side; else what each says. No outcome depends on it."
)


def data(frames: Frames, comparison: DataFrame) -> DataFrame | None:
    """One row per declared pair; None where no preset declares one."""
    found = ratios(frames)
    return found if len(found) else None


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per pair, in the order of the preset."""
    notes = NOTES if rows.ratio3.isna().all() else (*NOTES, VIEWS)
    return [Sheet("Paired ratios", dense([_line(row) for _, row in rows.iterrows()]), notes, DETAILS)]


def _line(row: Series) -> dict[str, str]:
    return {
        **{"claim": row.claim, "first": _side(row, "a"), "second": _side(row, "b"), "seeds": str(row.n_seeds)},
        **{"ratio": _interval(row, "ratio"), "p": number(row.ratio_p_value), "p, Holm": number(row.ratio_p_value_holm)},
        **{"ratio 2": _interval(row, "ratio2"), "p 2": number(row.ratio2_p_value)},
        **{"p 2, Holm": number(row.ratio2_p_value_holm), "outcome": row.outcome},
        **{"ratio 3": _interval(row, "ratio3"), "views": DASH if pd.isna(row.views) else row.views},
    }


def _side(row: Series, side: str) -> str:
    return f"{row[f'variant_{side}']}, {row[f'nfe_{side}']} NFE, {row[f'sampler_{side}']}"


def _interval(row: Series, name: str) -> str:
    low, high = row[f"{name}_ci_low"], row[f"{name}_ci_high"]
    if pd.isna(row[name]):
        return DASH
    return f"{row[name]:.2f}" if pd.isna(low) else f"{row[name]:.2f} ({low:.2f} to {high:.2f})"
