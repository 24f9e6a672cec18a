"""Floors of the Fréchet distance: what a perfect sampler of the training split scores, by one scoring network.

They need the features of the whole training split and hundreds of draws, so they are kept beside the scoring network in
the per-user cache. A run computes those that it needs before its first cell.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.score import scored_samples
from benchmarks.score.scored_samples import SEED, RealFeatures
from benchmarks.store import atomic, parsing

# The distance of one draw has a standard deviation of 10 % to 50 % of its mean, so 500 draws leave a standard error of
# 0.5 % to 2 %.
N_DRAWS = 500
SPLITS = ("test", "validation")


class Floor(NamedTuple):
    """Fréchet distance of real training images from a held-out split.

    mean, sd: over draws of `n_samples` training images with replacement. whole: of the training split as one set.
    """

    mean: float
    sd: float
    whole: float

    @property
    def se(self) -> float:
        """Standard error of `mean`."""
        return self.sd / math.sqrt(N_DRAWS)


def floors(features: RealFeatures, n_samples: int) -> dict[str, Floor]:
    """The floors against the test split and the validation split, from the cache or computed and kept there.

    features: of the real images by one scoring network; one without a folder in the cache keeps nothing.
    n_samples: images in a draw, at least 2.
    """
    if getattr(features.extractor, "folder", None) is None:
        return _computed(features, n_samples)
    path, key = _place(features.extractor, features.data_hash, n_samples)
    if (found := _read(path, key)) is None:
        found = _computed(features, n_samples)
        _write(path, key, found)
    return found


def cached(extractor: nn.Module, data_hash: str, n_samples: int) -> bool:
    """Whether the cache has the floors of a scoring network that came from it. Arguments as in `floors`."""
    return _read(*_place(extractor, data_hash, n_samples)) is not None


def _place(extractor: nn.Module, data_hash: str, n_samples: int) -> tuple[Path, str]:
    key = _key(extractor, data_hash, n_samples)
    return extractor.folder / f"{extractor.name}-{extractor.hash[:8]}-floors-{key[:16]}.json", key


def _computed(features: RealFeatures, n_samples: int) -> dict[str, Floor]:
    train = features.train().cpu()
    distances = [Distance(split.cpu()) for split in (features.reference, features.validation)]
    random = np.random.RandomState(SEED)
    draws = (moments(train[random.randint(len(train), size=n_samples)]) for _ in range(N_DRAWS))
    drawn = np.array([[distance(*draw) for distance in distances] for draw in draws])
    whole = [distance(*moments(train)) for distance in distances]
    means, sds = drawn.mean(0).tolist(), drawn.std(0, ddof=1).tolist()
    return {split: Floor(*numbers) for split, *numbers in zip(SPLITS, means, sds, whole, strict=True)}


class Distance:
    """Fréchet distance from one set of features (m, D), given the moments of another: equal to `frechet_distance`, but
    with the square root of the covariance taken once, and so several times as fast."""

    def __init__(self, reference: Tensor):
        self.mean, self.covariance = moments(reference)
        values, vectors = torch.linalg.eigh(self.covariance)
        self.root = vectors * values.clamp(min=0).sqrt() @ vectors.T  # (D, D)

    def __call__(self, mean: Tensor, covariance: Tensor) -> float:
        """The distance, for the mean (D,) and the covariance (D, D) of the other set."""
        spectrum = torch.linalg.eigvalsh(self.root @ covariance @ self.root).clamp(min=0)  # that of S1 S2
        traces = covariance.trace() + self.covariance.trace() - 2 * spectrum.sqrt().sum()
        return float((mean - self.mean).square().sum() + traces)


def moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (D,) and unbiased covariance (D, D) of features (n, D)."""
    return features.mean(0), torch.atleast_2d(torch.cov(features.T))


def _key(extractor: nn.Module, data_hash: str, n_samples: int) -> str:
    """Hash of all that decides the floors: network, data, draws, and the code that computes features and distances."""
    folder = Path(__file__).parent
    files = [Path(__file__), Path(scored_samples.__file__), *sorted((folder / "extractors").glob("*.py"))]
    code = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    facts = [extractor.hash, data_hash, n_samples, N_DRAWS, SEED, code]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _read(path: Path, key: str) -> dict[str, Floor] | None:
    try:
        kept = parsing.value(parsing.content(path))
        if kept["hash"] != _seal(key, kept["floors"]):
            return None  # damaged: it is computed again
        return {split: Floor(**kept["floors"][split]) for split in SPLITS}
    except (OSError, ValueError, KeyError, TypeError):
        return None  # absent or damaged


def _write(path: Path, key: str, found: dict[str, Floor]) -> None:
    """Replace the file atomically, so that processes that compute the same floors at once do no harm."""
    numbers = {split: floor._asdict() for split, floor in found.items()}
    with contextlib.suppress(OSError):  # a cache that cannot be written costs time only
        atomic.write(path, json.dumps({"floors": numbers, "hash": _seal(key, numbers)}, indent=1).encode())


def _seal(key: str, numbers: dict) -> str:
    return hashlib.sha256((key + json.dumps(numbers, sort_keys=True)).encode()).hexdigest()
