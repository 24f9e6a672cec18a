"""Trains one scoring network and computes the floors that cells will need; both are stored in the cache.

It runs before any cell starts. Every network has a process, so that several are trained at a time, each on a core.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import torch

from benchmarks import data
from benchmarks.score.extractors import cache
from benchmarks.score.floors import floors
from benchmarks.score.scored_samples import RealImages


def answer(dataset: str, kind: str, data_dir: Path | None = None, n_samples: int | str | None = None) -> str:
    """Hash of a scoring network, which is trained unless it is cached.

    dataset: name of the data set that it is trained on.
    kind: "cnn", "autoencoder" or "inception".
    data_dir: folder of the data sets; None for the default.
    n_samples: number of images that cells score, or "train" for that of the training images; None computes no floors.

    Raises BadInput where the cache cannot be written.
    """
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    found = data.load(dataset, data_dir)
    (network,) = cache.load_all(found, kinds=[kind], data_dir=data_dir)
    if n_samples is not None and kind in cache.KINDS:  # Inception needs a device, which the cells have
        n = len(found.train) if n_samples == "train" else n_samples
        floors(RealImages(found, [network], n).by_extractor[0], n)
    return network.hash
