"""Numbers as tables and figures print them."""

from __future__ import annotations

import math
import re
from numbers import Integral

import pandas as pd

DASH = "-"  # stands for what does not apply or was not measured


def number(value: float) -> str:
    """The value with three significant digits, thousands in full; a dash where it is missing.

    Closing zeros stay, so that the numbers of a sentence are equally precise: 1.40 beside 1.15. Integers, zero and
    numbers from a million on, which are FLOPs, do without them: 4 and 2e11.
    """
    if pd.isna(value):
        return DASH
    if 100 <= abs(value) < 1e6:
        return f"{value:,.0f}"
    exact = isinstance(value, Integral) or value == 0 or abs(value) >= 1e6
    return re.sub(r"e\+?(-?)0*", r"e\1", f"{value:.3g}" if exact else f"{value:#.3g}".rstrip("."))


def plus_minus(mean: float, half: float) -> str:
    """A mean and the half width of its interval, both with as many decimals as the mean's size calls for."""
    if pd.isna(mean):
        return DASH
    decimals = max(0, 2 - math.floor(math.log10(max(abs(mean), 0.001))))
    return f"{mean:,.{decimals}f}" if pd.isna(half) else f"{mean:,.{decimals}f} ± {half:,.{decimals}f}"


def percent(share: float, decimals: int = 1, half: float = float("nan")) -> str:
    """A share in percent, with the half width of its interval where there is one."""
    if pd.isna(share):
        return DASH
    spread = "" if pd.isna(half) else f" ± {100 * half:.{decimals}f}"
    return f"{100 * share:.{decimals}f}{spread} %"


def count(value: float) -> str:
    """A whole number with its thousands separated; a dash where it is missing."""
    return DASH if pd.isna(value) else f"{value:,.0f}"


STYLES = {"number": number, "percent": percent, "count": count}  # of a declared column
