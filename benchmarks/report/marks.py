"""Which of several means may be called the best: the one that noise does not explain, or none of them."""

from __future__ import annotations

import pandas as pd
from pandas import DataFrame, Series

BEST, TIE, NEITHER = "best", "tie", ""
TIE_SIGN = "="


def verdicts(rows: DataFrame, lowest: bool) -> Series:
    """BEST, TIE or NEITHER for each row of columns mean, low, high (the 95 % interval) and mde (relative, may be NaN).

    lowest: whether less is better. A row is told apart from the one with the best mean if neither's interval holds the
    other's mean and their relative difference is not below the minimum detectable effect. BEST is the best mean where
    every other row is told apart from it; where some are not, they and it are TIE. Nobody gets a mark without a rival
    or where the best mean has no interval, as with one training seed.
    """
    found = Series(NEITHER, index=rows.index, dtype=object)
    known = rows.dropna(subset="mean")
    if len(known) < 2:
        return found
    top = known.loc[known["mean"].idxmin() if lowest else known["mean"].idxmax()]
    if pd.isna(top.low):
        return found
    others = known.drop(top.name)
    ties = others[~others.apply(_apart, axis=1, top=top)]
    found[[top.name, *ties.index]] = TIE if len(ties) else BEST
    return found


def _apart(row: Series, top: Series) -> bool:
    outside = not top.low <= row["mean"] <= top.high
    # A rival of one seed has no interval of its own: then the best one's alone decides.
    excluded = pd.isna(row.low) or not row.low <= top["mean"] <= row.high
    difference = abs(row["mean"] - top["mean"])
    least = max((x for x in (row.mde, top.mde) if pd.notna(x)), default=0.0)
    return outside and excluded and difference >= least * abs(row["mean"] + top["mean"]) / 2
