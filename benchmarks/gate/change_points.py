"""Change points of a series: where its distribution changes. For reading a history; never used as a gate.

A gate compares two versions at once. A change point is found only some values after the change, and near the end of a
series it moves with every new value.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LEAST = 3  # values on each side of a change point
PERMUTATIONS, LEVEL = 499, 0.01


def change_points(values: Sequence[float]) -> list[int]:
    """Indices at which a new distribution begins, ascending.

    E-divisive with a permutation test: the split with the largest energy distance is kept if fewer than 1 % of random
    orders of the segment have a larger one, and its two sides are split in turn.

    values: in order of time.

    Source: Matteson and James, A nonparametric approach for multiple change point analysis, 2014.
    """
    return sorted(_split(np.asarray(values, float), 0, np.random.default_rng(0)))


def _split(x: np.ndarray, start: int, rng: np.random.Generator) -> list[int]:
    if len(x) < 2 * LEAST or np.ptp(x) == 0:
        return []
    distance = np.abs(x[:, None] - x[None, :])
    where, found = _best(distance)
    larger = 0
    for _ in range(PERMUTATIONS):
        order = rng.permutation(len(x))
        larger += _best(distance[np.ix_(order, order)])[1] >= found
    if (larger + 1) / (PERMUTATIONS + 1) > LEVEL:
        return []
    return [start + where, *_split(x[:where], start, rng), *_split(x[where:], start + where, rng)]


def _best(distance: np.ndarray) -> tuple[int, float]:
    """(index, energy statistic) of the split with the largest one.

    distance: absolute differences of all pairs of values, in their order.
    """
    n = len(distance)
    cumulated = np.zeros((n + 1, n + 1))
    cumulated[1:, 1:] = distance.cumsum(0).cumsum(1)
    cut = np.arange(LEAST, n - LEAST + 1)
    left, total = cumulated[cut, cut], cumulated[n, n]
    across = cumulated[cut, n] - left
    right = total - left - 2 * across
    m = n - cut
    energy = 2 * across / (cut * m) - left / cut**2 - right / m**2
    statistic = cut * m / n * energy
    return int(cut[statistic.argmax()]), float(statistic.max())
