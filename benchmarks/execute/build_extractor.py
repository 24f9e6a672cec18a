"""Before any cell starts: builds a scoring network into the cache.

In a process of its own, so that each has a core."""

from __future__ import annotations

import warnings
from pathlib import Path

from benchmarks import data
from benchmarks.score.extractors import cache


def answer(dataset: str, kind: str, data_dir: Path | None = None) -> str:
    """The hash of the scoring network of this kind, built unless it is cached. Raises BadInput if the cache cannot be
    written."""
    warnings.simplefilter("ignore")
    (network,) = cache.load_all(data.load(dataset, data_dir), kinds=[kind], data_dir=data_dir)
    return network.hash
