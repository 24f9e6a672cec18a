"""Trains one scoring network and stores it in the cache, in a process of its own, before any cell starts.

Every network has a process, so that several are trained at a time, each on a core of its own.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from benchmarks import data
from benchmarks.score.extractors import cache


def answer(dataset: str, kind: str, data_dir: Path | None = None) -> str:
    """Hash of a scoring network, which is trained unless it is cached.

    dataset: name of the data set that it is trained on.
    kind: "cnn", "autoencoder" or "inception".
    data_dir: folder of the data sets; None for the default.

    Raises BadInput where the cache cannot be written.
    """
    warnings.simplefilter("ignore")
    (network,) = cache.load_all(data.load(dataset, data_dir), kinds=[kind], data_dir=data_dir)
    return network.hash
