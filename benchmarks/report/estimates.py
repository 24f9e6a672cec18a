"""Numbers of findings with their 95 % intervals, in the language spoken, as speaker notes state them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from benchmarks.report.formats import number, percent, plus_minus
from benchmarks.report.frames.intervals import half_width
from benchmarks.report.languages import say

Write = Callable[[float, float], str]


def seeds(n: int) -> str:
    """A number of training seeds, in words."""
    return say("{n} training seeds", n=n) if n != 1 else say("1 training seed")


def launches(n: int) -> str:
    """A number of timing launches, in words."""
    return say("{n} timing launches", n=n) if n != 1 else say("1 timing launch")


def shares(decimals: int) -> Write:
    """What writes a share and a half width in percent."""
    return lambda mean, half: percent(mean, decimals, half)


def of_mean(what: str, mean: float, half: float, n: int, write: Write = plus_minus) -> str:
    """A mean over training seeds with half of its interval.

    what: what it is the mean of. half: half width; missing for one seed. write: the text of a mean and a half width.
    """
    return _line(what, write(mean, half), n, seeds)


def of_values(what: str, values: ArrayLike, write: Write = plus_minus, counted: Callable[[int], str] = seeds) -> str:
    """The mean of one value per run with half of its t interval. counted: the number of runs, in words."""
    values = np.asarray(values, float)
    n = len(values)
    return _line(what, write(values.mean(), half_width(values.std(ddof=1), n) if n > 1 else np.nan), n, counted)


def of_ratio(what: str, ratio: float, low: float, high: float, n: int) -> str:
    """A geometric mean over training seeds with the bounds of its interval; these are missing for one seed."""
    if n < 2:
        return _line(what, number(ratio), n, seeds)
    spread = say("{ratio}, 95 % CI {low} to {high}", ratio=number(ratio), low=number(low), high=number(high))
    return _line(what, spread, n, seeds)


def _line(what: str, value: str, n: int, counted: Callable[[int], str]) -> str:
    values = {"what": what, "value": value, "n": counted(n)}
    return say("{what}: {value} ({n})", **values) if n > 1 else say("{what}: {value} ({n}, so no interval)", **values)
