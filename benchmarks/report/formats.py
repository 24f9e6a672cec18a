"""Numbers as tables and figures print them."""

from __future__ import annotations

import math

import pandas as pd

DASH = "-"  # stands for what does not apply or was not measured


def number(value: float) -> str:
    """The value with three significant digits, thousands in full; a dash where it is missing."""
    if pd.isna(value):
        return DASH
    return f"{value:,.0f}" if 100 <= abs(value) < 1e6 else f"{value:.3g}".replace("e+0", "e").replace("e+", "e")


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
