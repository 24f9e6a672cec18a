"""Before any cell starts: builds a scoring network into the cache, in a process of its own, so that each has a core."""

from __future__ import annotations

import warnings
from pathlib import Path

from benchmarks import data
from benchmarks.score.extractors import cache


def answer(dataset: str, kind: str, data_dir: Path | None = None) -> None:
    """Build the network of this kind unless it is cached. Raises BadInput if the cache cannot be written."""
    warnings.simplefilter("ignore")
    cache.load(data.load(dataset, data_dir), kind=kind)
