"""Accuracy with two intervals, and the other measurements of recognisers and of models with a likelihood."""

from __future__ import annotations

import pandas as pd
from pandas import DataFrame

from benchmarks.report.formats import DASH, number, percent
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.fields import budget_notes, budgets
from benchmarks.report.tables.marked import intervals, marked
from benchmarks.report.tables.sheet import Sheet, dense, detectable_line

DOCUMENT, ORDER = "comparison", 50
LARGE_TEST = 0.02  # width of an accuracy's binomial interval below which its second decimal is meaningful
OVER_SPLITS = (
    "over test splits: Wilson's 95 % interval of the mean accuracy, for as many test images as one seed is tested on. "
    "Higher accuracy and lower calibration error are better."
)
LIKELIHOOD = (
    "log-likelihood: of binary pixels, by annealed importance sampling (AIS); higher is better. bracket: estimates of "
    "AIS run in both directions. For a stack of RBMs it is the variational lower bound. exact: by enumeration."
)


def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]:
    """One line per variant with an accuracy or a likelihood."""
    known = rows.accuracy.notna() | rows.ais.notna()
    rows = rows[known].drop_duplicates("variant").assign(nfe=float("nan"))
    if rows.empty:
        return []
    named, notes = budgets(rows), budget_notes(rows)
    widths = rows.accuracy_binomial_high - rows.accuracy_binomial_low
    digits = 2 if widths.max() < LARGE_TEST else 1
    shown = marked(rows, "accuracy", lambda mean, half: percent(mean, digits, half), lowest=False)
    lines = [
        {
            **{"variant": named[row.variant], "accuracy": shown[row.Index]},
            "over test splits": _range(row.accuracy_binomial_low, row.accuracy_binomial_high, digits),
            "calibration error": percent(row.calibration_error),
            **{"linear probe": percent(row.linear_probe_accuracy), "kNN": percent(row.knn_accuracy)},
            "log-likelihood, nats": number(row.ais),
            "bracket": DASH if pd.isna(row.ais_low) else f"{number(row.ais_low)} to {number(row.ais_high)}",
            "exact": number(row.log_likelihood_exact),
        }
        for row in rows.itertuples()
    ]
    lines += detectable_line({"accuracy": rows.accuracy_mde.max()}, 2)
    notes = (*intervals(), OVER_SPLITS, *notes, *([LIKELIHOOD] if rows.ais.notna().any() else []))
    return [Sheet("Recognition", dense(lines), notes)]


def _range(low: float, high: float, digits: int) -> str:
    return DASH if pd.isna(low) else f"{100 * low:.{digits}f} to {100 * high:.{digits}f} %"
