"""Which of several means is the best with significance, and which do not differ significantly from it."""

from __future__ import annotations

import pandas as pd
from pandas import DataFrame, Series

BEST, TIE, NEITHER = "best", "tie", ""
TIE_SIGN = "="


def marks(rows: DataFrame, lowest: bool) -> Series:
    """BEST, TIE or NEITHER for each row of columns mean, low, high (95 % interval) and mde (relative, may be NaN).

    lowest: whether lower is better.

    Two rows differ significantly if neither's interval includes the other's mean and their relative difference is at
    least the minimum detectable effect (mde). BEST is the best mean where every other row differs significantly from
    it; where some do not, they and it are TIE. There is no mark with a single row, or where the best mean has no
    interval, as with one training seed.
    """
    found = Series(NEITHER, index=rows.index, dtype=object)
    known = rows.dropna(subset="mean")
    if len(known) < 2:
        return found
    top = known.loc[known["mean"].idxmin() if lowest else known["mean"].idxmax()]
    if pd.isna(top.low):
        return found
    others = known.drop(top.name)
    ties = others[~others.apply(_significant, axis=1, top=top)]
    found[[top.name, *ties.index]] = TIE if len(ties) else BEST
    return found


def _significant(row: Series, top: Series) -> bool:
    outside = not top.low <= row["mean"] <= top.high
    # A row of one seed has no interval of its own: then the best one's alone decides.
    excluded = pd.isna(row.low) or not row.low <= top["mean"] <= row.high
    difference = abs(row["mean"] - top["mean"])
    least = max((x for x in (row.mde, top.mde) if pd.notna(x)), default=0.0)
    return outside and excluded and difference >= least * abs(row["mean"] + top["mean"]) / 2
