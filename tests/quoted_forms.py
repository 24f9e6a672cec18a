"""The forms in which pages print a number of a table, alone or with its interval."""

from __future__ import annotations

import math
from collections.abc import Callable

from pandas import Series

from benchmarks.report.frames.intervals import half_width

NUMBER = r"-?\d[\d,]*(?<!,)(?:\.\d+)?(?:e-?\d+)?"


def significant(value: float, digits: int) -> str:
    """The value with so many significant digits and thousands separated; zeros at the end are kept."""
    rounded = float(f"{value:.{digits - 1}e}")  # 9.996 has one digit more before its point once it is rounded
    decimals = max(0, digits - 1 - math.floor(math.log10(max(abs(rounded), 1e-12))))
    return f"{value:,.{decimals}f}"


def _mean(row: Series, column: str) -> str:
    return significant(row[column], 3)


def _tight(row: Series, column: str) -> str:
    return f"{row[column]:.0f}" if row[column] >= 100 else f"{row[column]:.1f}"


def _plus_minus(row: Series, column: str, scale: float = 1, decimals: int | None = None) -> str:
    """Mean and half width of the 95 % interval; the mean alone for one seed."""
    value, low, high = (scale * row[f"{column}{part}"] for part in ("", "_ci_low", "_ci_high"))
    if decimals is None:
        decimals = max(0, 2 - math.floor(math.log10(max(abs(value), 1e-3))))
    half = max(high - value, value - low)
    return f"{value:,.{decimals}f}" + ("" if math.isnan(half) else f" ± {half:,.{decimals}f}")


def _interval(row: Series, column: str, words: str = "") -> str:
    value, low, high = (row[f"{column}{part}"] for part in ("", "_ci_low", "_ci_high"))
    return f"{value:.2f}" if math.isnan(low) else f"{value:.2f} ({words}{low:.2f} to {high:.2f})"


def _error_bounds(row: Series, column: str) -> str:
    low, high = (100 * (1 - row[f"{column}_ci_{part}"]) for part in ("high", "low"))
    return f"{low:.2f} to {high:.2f}"


def _error_half(row: Series, column: str) -> str:
    value, half = 100 * (1 - row[column]), 50 * (row[f"{column}_ci_high"] - row[f"{column}_ci_low"])
    return f"{value:.2f} ± {half:.2f}"


def _percent_sd(row: Series, column: str) -> str:
    decimals = 1 if 10 <= 100 * row[column] < 80 else 2
    return f"{100 * row[column]:.{decimals}f} ± {100 * row[f'{column}_sd']:.{decimals}f}"


def _percent_bounds(row: Series, column: str) -> str:
    """The 95 % t interval of a mean of which the table has the standard deviation over seeds alone."""
    half = half_width(row[f"{column}_sd"], row.n_seeds)
    return f"{100 * (row[column] - half):.2f} to {100 * (row[column] + half):.2f}"


FORMS: dict[str, Callable[[Series, str], str]] = {
    "s1": lambda row, column: significant(row[column], 1),
    "s2": lambda row, column: significant(row[column], 2),
    "s3": _mean,
    "tight": _tight,  # one decimal below 100
    "±": _plus_minus,
    "ci": _interval,
    "CI": lambda row, column: _interval(row, column, "95 % CI "),
    "ci2": lambda row, column: _interval(row, "ratio2"),
    "CI2": lambda row, column: _interval(row, "ratio2", "95 % CI "),
    "percent": lambda row, column: f"{100 * row[column]:.2f}",
    "percent0": lambda row, column: f"{100 * row[column]:.0f}",
    "percent-sd": _percent_sd,
    "percent-ci": _percent_bounds,
    "sd": lambda row, column: f"{100 * row[f'{column}_sd']:.2f}",
    "error": lambda row, column: f"{100 * (1 - row[column]):.2f}",
    "error±": _error_half,
    "error-ci": _error_bounds,
    "±2": lambda row, column: _plus_minus(row, column, decimals=2),
    "1e": lambda row, column: f"{row[column]:.1e}".replace("e-0", "e-"),
}


def numbers_of(form: str) -> str:
    """A regular expression of what a page may have in place of a placeholder of this form."""
    if form in ("ci", "CI", "ci2", "CI2"):
        return rf"{NUMBER}(?:\s+\((?:95\s+%\s+CI\s+)?{NUMBER}\s+to\s+{NUMBER}\))?"
    if form in ("error-ci", "percent-ci"):
        return rf"{NUMBER}\s+to\s+{NUMBER}"
    return rf"{NUMBER}(?:\s+±\s+{NUMBER})?" if form in ("±", "±2", "error±", "percent-sd") else NUMBER
