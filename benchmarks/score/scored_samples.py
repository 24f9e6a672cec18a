"""What the metrics of generated images work with: one set of samples, and the real images it is compared with.

Whatever several metrics need is computed once, when it is first used: features of the samples, features of the test
split, and anything that a metric derives from the real images alone (`RealImages.once`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor, nn

from benchmarks.columns import Column
from benchmarks.data import Dataset, Split
from paradigms.training.ranks import Ranks

SEED = 2012
CHUNK = 500

COLUMNS = [
    Column(
        "n_samples",
        unit="count",
        direction=None,
        meaning="Number of generated images that are scored.",
        formula="`n_samples` of the preset; by default the number of training images",
        source="preset",
        misleads="FID falls with n for the same generator, so only rows with equal n can be compared.",
        style="count",
    ),
    Column(
        "fid_extractor",
        unit="name",
        direction=None,
        meaning="The scoring networks: data set, kind, and the first 8 digits of the network's hash. The "
        "first is a classifier, the second an auto-encoder trained without labels.",
        formula="SHA-256 over the names and bytes of the weights, and the scale of the features",
        source="trained here on the training split only; no loss may use them (`benchmarks/score/leakage_guard.py`)",
        misleads="The classifier may be blind to whatever does not distinguish classes. The auto-encoder weighs "
        "what takes many pixels.",
        style="text",
        also=("fid2_extractor",),
        code="benchmarks/score/extractors/",
    ),
]

T = TypeVar("T")


class RealFeatures:
    """Features of the real images by one extractor.

    name: the extractor's name and the start of its hash. reference: of the test split, float64 (m, D). validation: of
    the validation split, float64, computed when first used.
    """

    def __init__(self, extractor: nn.Module, dataset: Dataset, device: torch.device):
        self.extractor, self.name = extractor, f"{extractor.name}-{extractor.hash[:8]}"
        self._dataset, self._device = dataset, device
        self.reference = self._of(dataset.test)

    @property
    def data_hash(self) -> str:
        """Hash of the data set."""
        return self._dataset.hash

    @cached_property
    def validation(self) -> Tensor:
        return self._of(self._dataset.validation)

    def train(self) -> Tensor:
        """Features of the whole training split, float64 (N, D); computed anew, since they are large and rarely used."""
        return self._of(self._dataset.train)

    def _of(self, split: Split) -> Tensor:
        return self.features(torch.from_numpy(split.images).to(self._device))

    def features(self, images: Tensor) -> Tensor:
        """float64 features (n, D) of uint8 images (n, C, H, W). Raises ValueError in training mode."""
        if any(module.training for module in self.extractor.modules() if module is not self.extractor):
            raise ValueError(f"{self.name} is in training mode: its features would depend on the batch")
        return torch.cat([self.extractor(part) for part in images.split(CHUNK)])

    def classes(self, features: Tensor) -> Tensor | None:
        """The extractor's class (n,) of each row of its features (n, D); None for one that is no classifier."""
        return self.extractor.logits_of(features).argmax(1) if hasattr(self.extractor, "logits_of") else None


class RealImages:
    """The real images that samples are compared with, on the device of the extractors.

    train, test: uint8 (N, C, H, W) and (m, C, H, W). by_extractor: one `RealFeatures` per extractor. n_samples: size of
    every scored set. n_classes: of the data set. dataset: all its splits, for a metric with features of its own. ranks:
    processes that share the work on generated images; what is derived from real ones may be cached, so each of them
    computes that alone.
    """

    def __init__(self, dataset: Dataset, extractors: Sequence[nn.Module], n_samples: int, ranks: Ranks | None = None):
        self.n_samples, self.n_classes, self.dataset = n_samples, dataset.n_classes, dataset
        self.ranks = ranks or Ranks()
        self.device = next((p.device for p in extractors[0].parameters()), torch.device("cpu"))
        self.train = torch.from_numpy(dataset.train.images).to(self.device)
        self.test = torch.from_numpy(dataset.test.images).to(self.device)
        self.by_extractor = [RealFeatures(extractor, dataset, self.device) for extractor in extractors]
        self._known: dict[Callable, object] = {}

    @cached_property
    def test_classes(self) -> Tensor | None:
        """The first extractor's class (m,) of each test image; None if it is no classifier."""
        return self.by_extractor[0].classes(self.by_extractor[0].reference)

    def once(self, derive: Callable[[RealImages], T]) -> T:
        """`derive(self)`, computed at the first call with this function and remembered."""
        if derive not in self._known:
            self._known[derive] = derive(self)
        return self._known[derive]


class ScoredSamples:
    """One set of generated images to be scored.

    images: uint8 (n_samples, C, H, W), on the device. label: the classes (n_samples,) that were requested, or None.
    real: what they are compared with, shared by all sets.
    """

    def __init__(self, images: Tensor, label: Tensor | None, real: RealImages):
        self.images, self.label, self.real = images, label, real
        self._features: dict[int, Tensor] = {}

    def features(self, extractor: int = 0) -> Tensor:
        """float64 features (n_samples, D) of the images by an extractor, given by its index. Raises IndexError."""
        if extractor not in self._features:
            ranks, real = self.real.ranks, self.real.by_extractor[extractor]
            own = real.features(ranks.rows(self.images))
            self._features[extractor] = ranks.gathered(own, len(self.images))
        return self._features[extractor]

    @cached_property
    def classes(self) -> Tensor | None:
        """The first extractor's class (n_samples,) of each image; None if it is no classifier."""
        return self.real.by_extractor[0].classes(self.features(0))
