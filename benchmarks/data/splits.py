"""Stratified splits that never change: NumPy freezes the stream of RandomState, and sorting breaks no ties."""

from __future__ import annotations

import numpy as np

from benchmarks.data import Split

SEED = 2012


def hold_out(split: Split, n: int) -> tuple[Split, Split]:
    """(kept, held out): n rows drawn evenly over the classes, both parts in their original order.

    Systematic sampling of the rows sorted by class: each class gives its share of n, up to one row.
    """
    size = len(split)
    order = np.random.RandomState(SEED).permutation(size)
    order = order[np.argsort(split.labels[order], kind="stable")]
    drawn = np.zeros(size, dtype=bool)
    drawn[order] = np.diff(np.arange(size + 1) * n // size) == 1
    return rows(split, ~drawn), rows(split, drawn)


def rows(split: Split, which: np.ndarray) -> Split:
    """The rows of `split` that a mask or an index array selects."""
    return Split(split.images[which], split.labels[which])
