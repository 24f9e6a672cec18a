"""A data set of one file, for tests that drop it into the folder of data sets."""

SOURCE = '''
"""Vertical and horizontal stripes."""

import numpy as np

from benchmarks.data import Dataset, Split

DATASETS = {"stripes": "stripes-files"}


def load(name, folder):
    labels = np.arange(64, dtype=np.int64) % 2
    columns = np.broadcast_to(np.arange(8, dtype=np.uint8) % 2 * 255, (8, 8))
    images = np.stack([columns if label else columns.T for label in labels])[:, None]
    split = Split(images, labels)
    return Dataset(name, (1, 8, 8), 2, split, split, split)
'''
