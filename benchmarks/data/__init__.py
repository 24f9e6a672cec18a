"""Data sets by name: fixed, hashed splits of uint8 images. NumPy only, and no pickle is ever loaded.

Images are uint8 (N, C, H, W), labels int64 (N,). Files are the official ones, in `<data_dir>/<name>/`; the data
directory is the option, else the environment variable ALEXNET_MOMENT_DATA, else a per-user cache. What is absent is
downloaded and verified; what is present but damaged is named, never overwritten.
"""

from __future__ import annotations

import hashlib
import importlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.errors import BadInput, nearest

ENVIRONMENT = "ALEXNET_MOMENT_DATA"
MODULES = {
    **{"cifar10": "cifar10", "digits": "digits", "fashion-mnist": "idx"},
    **dict.fromkeys(("mnist", "mnist-1k", "mnist-10k"), "idx"),
}


@dataclass(frozen=True)
class Split:
    """One split: images uint8 (N, C, H, W) and labels int64 (N,)."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """A data set with its three fixed splits; `note` says what a reader of its numbers must know, else it is empty."""

    name: str
    shape: tuple[int, int, int]
    n_classes: int
    train: Split
    validation: Split
    test: Split
    note: str = ""

    @cached_property
    def hash(self) -> str:
        """SHA-256 over every image and label of the three splits, in order."""
        digest = hashlib.sha256()
        for split in (self.train, self.validation, self.test):
            digest.update(np.ascontiguousarray(split.images).tobytes())
            digest.update(split.labels.astype("<i8").tobytes())
        return digest.hexdigest()


def names() -> list[str]:
    """Every data set that `load` knows, sorted."""
    return sorted(MODULES)


def load(name: str, data_dir: Path | None = None) -> Dataset:
    """The data set `name`. Raises BadInput with one line for an unknown name, or files that are not as published."""
    if name not in MODULES:
        raise BadInput(f"data set {name!r} is unknown; allowed: {', '.join(names())}{nearest(name, names())}")
    return importlib.import_module(f"benchmarks.data.{MODULES[name]}").load(name, directory(data_dir) / name)


def directory(data_dir: Path | None = None) -> Path:
    """The data directory: `data_dir`, else $ALEXNET_MOMENT_DATA, else the per-user cache. It need not exist yet."""
    if data_dir is None and not os.environ.get(ENVIRONMENT):
        import pooch

        return Path(pooch.os_cache("alexnet-moment")) / "data"
    chosen = Path(data_dir or os.environ[ENVIRONMENT]).expanduser()
    if chosen.exists() and not chosen.is_dir():
        raise BadInput(f"data directory {chosen}: is a file; give a folder with --data-dir or {ENVIRONMENT}")
    return chosen
