"""`digits`: the 1,797 8x8 grey digits that scikit-learn embeds (test part of UCI optdigits; Alpaydin and Kaynak 1998).

No official split exists: 360 test and 180 validation images are drawn evenly over the classes, 1,257 train.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from benchmarks.data import Dataset, Split
from benchmarks.data.splits import hold_out

DATASETS = {"digits": None}


def load(name: str, folder: None) -> Dataset:
    """The digits, with intensities 0..16 scaled to 0..255; they need no files."""
    bunch = load_digits()
    images = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]
    rest, test = hold_out(Split(images, bunch.target.astype(np.int64)), 360)
    train, validation = hold_out(rest, 180)
    return Dataset(name, (1, 8, 8), 10, train, validation, test)
