"""Scores of generated images against the held-out test split, each beside what real training images would get."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.data import Dataset
from benchmarks.metrics.frechet import frechet_distance
from benchmarks.metrics.kernel import kernel_distance
from benchmarks.metrics.memorisation import nearest_distance

SEED = 2012


class Scorer:
    """Scores sets of `n_samples` images of one data set with one extractor, on the extractor's device.

    fid: Fréchet distance to the test split. fid_floor: the same for `n_samples` training images (a fixed choice
    without replacement; all of them where n_samples is larger). fid_ratio: fid / fid_floor; 1 is "as close as real
    training data". memorisation_ratio: mean distance to the nearest training image over that of test images; 1 is as
    far from the training data as new data are, 0 is copies.
    """

    def __init__(self, dataset: Dataset, extractor: nn.Module, n_samples: int):
        if n_samples < 2:
            raise ValueError(f"n_samples must be at least 2 for a covariance, not {n_samples}")
        self.extractor, self.n_samples = extractor, n_samples
        self.device = next((p.device for p in extractor.parameters()), torch.device("cpu"))
        self.train = torch.from_numpy(dataset.train.images).to(self.device)
        test = torch.from_numpy(dataset.test.images).to(self.device)
        rows = np.random.RandomState(SEED).permutation(len(self.train))[:n_samples]
        self.reference = self.features(test)
        self.floor = frechet_distance(self.features(self.train[np.sort(rows)]), self.reference)
        self.held_out_distance = nearest_distance(test, self.train)

    def features(self, images: Tensor) -> Tensor:
        """float64 features (n, D) of uint8 images (n, C, H, W)."""
        return torch.cat([self.extractor(part.to(self.device)) for part in images.split(500)])

    def fid(self, images: Tensor) -> dict:
        """The cheap part, for curves: fid and fid_ratio."""
        return self._fid(self._checked(images))

    def score(self, images: Tensor) -> dict:
        """Every score of uint8 images (n_samples, C, H, W), with what is needed to read it."""
        features = self._checked(images)
        return {
            "n_samples": len(images),
            **self._fid(features),
            "fid_extractor": f"{self.extractor.name}-{self.extractor.hash[:8]}",
            "fid_floor": self.floor,
            "kid": kernel_distance(features, self.reference),
            "memorisation_ratio": nearest_distance(images.to(self.device), self.train) / self.held_out_distance,
        }

    def _checked(self, images: Tensor) -> Tensor:
        if len(images) != self.n_samples:
            raise ValueError(f"the floor holds for {self.n_samples} images, not for {len(images)}")
        return self.features(images)

    def _fid(self, features: Tensor) -> dict:
        fid = frechet_distance(features, self.reference)
        return {"fid": fid, "fid_ratio": fid / self.floor}
