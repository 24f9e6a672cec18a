"""Confidence intervals of means over few runs, and the minimum detectable effect of two such means."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq
from scipy.special import nctdtr, stdtrit

LEVEL = 0.95
POWER = 0.8


def half_width(sd: ArrayLike, n: ArrayLike, level: float = LEVEL) -> np.ndarray | float:
    """Half of the two-sided Student t interval of a mean: t_(n-1) * sd / sqrt(n), elementwise.

    sd: with n - 1 in the denominator. n: independent runs (training seeds, launches); NaN where n < 2.
    """
    sd, n = np.asarray(sd, float), np.asarray(n, float)
    freedom = np.where(n > 1, n - 1, np.nan)
    return (stdtrit(freedom, (1 + level) / 2) * sd / np.sqrt(n))[()]


def detectable(cv: float, n: int, freedom: int, level: float = LEVEL, power: float = POWER) -> float:
    """The smallest relative difference of two means of `n` runs each that a two-sided t test finds with `power`.

    cv: sd / mean of single runs, estimated with `freedom` degrees of freedom. NaN where one of them is unknown.
    Source: non-central t distribution; Cohen, Statistical Power Analysis, 1988, ch. 2.
    """
    if not (cv >= 0 and n >= 1 and freedom >= 1):
        return math.nan
    critical = stdtrit(freedom, (1 + level) / 2)
    # The far tail is neglected: at the shift that is found it adds less than 1e-5 to the power.
    shift = brentq(lambda shift: 1 - nctdtr(freedom, shift, critical) - power, 0, 10 * critical + 10)
    return float(shift * cv * math.sqrt(2 / n))


def bounds(mean: ArrayLike, sd: ArrayLike, n: ArrayLike, least: float = -math.inf, most: float = math.inf) -> tuple:
    """(low, high) of that interval, cut at the quantity's own bounds: no FID is below 0, no accuracy above 1."""
    half = half_width(sd, n)
    return np.maximum(np.asarray(mean, float) - half, least)[()], np.minimum(np.asarray(mean, float) + half, most)[()]


def half_shown(mean: ArrayLike, low: ArrayLike, high: ArrayLike) -> np.ndarray | float:
    """The half width to print after ±, from bounds of which one may have been cut."""
    return np.fmax(np.asarray(high, float) - mean, mean - np.asarray(low, float))
