"""Stratified splits that are the same everywhere.

NumPy guarantees that the stream of RandomState does not change, and the sort is stable.
"""

from __future__ import annotations

import numpy as np

from benchmarks.data import Split

SEED = 2012


def hold_out(split: Split, n: int) -> tuple[Split, Split]:
    """(kept, held out): draws n rows evenly over the classes; both parts keep the original order.

    split: the rows to draw from.
    n: number of rows held out, 0..len(split).

    The rows are shuffled, sorted by class and sampled systematically, so each class gives its share of n up to one row.
    """
    size = len(split)
    order = np.random.RandomState(SEED).permutation(size)
    order = order[np.argsort(split.labels[order], kind="stable")]
    drawn = np.zeros(size, dtype=bool)
    drawn[order] = np.diff(np.arange(size + 1) * n // size) == 1
    return rows(split, ~drawn), rows(split, drawn)


def rows(split: Split, which: np.ndarray) -> Split:
    """Some rows of a split.

    which: boolean mask (N,) or index array.
    """
    return Split(split.images[which], split.labels[which])
