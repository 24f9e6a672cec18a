"""Scores of generated images against the held-out test split, each beside what real training images would get."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.data import Dataset
from benchmarks.score.metrics.classes import class_distance, class_entropy, label_agreement
from benchmarks.score.metrics.frechet import frechet_bias, frechet_distance
from benchmarks.score.metrics.kernel import kernel_distance
from benchmarks.score.metrics.manifold import Balls, manifold_scores
from benchmarks.score.metrics.memorisation import memorisation, nearest_distances

SEED = 2012
N_DRAWS = 20
MAX_POOL = 10_000  # training images that the floor is drawn from, where more are not needed
HELD_OUT = "the reference must be held out, not the training images"


class View:
    """The two real sets as one extractor sees them: features of the test split, the floor, and its expected bias.

    floor: mean FID of `N_DRAWS` draws of `n_samples` training images, independent of one another as samples are.
    floor_sd: over those draws. floor_whole: FID of the training images as they are.
    """

    def __init__(self, extractor: nn.Module, train: Tensor, test: Tensor, n_samples: int):
        self.extractor, self.name = extractor, f"{extractor.name}-{extractor.hash[:8]}"
        self.reference = self.features(test)
        seen = self.features(train)
        self.floor_whole = frechet_distance(seen, self.reference)
        self.bias = frechet_bias(self.reference, n_samples, len(test))
        if self.floor_whole < 0.01 * frechet_bias(self.reference, len(train), len(test)):
            raise ValueError(
                f"{self.name}: the floor {self.floor_whole:.1e} is below that of independent sets; {HELD_OUT}"
            )
        random = np.random.RandomState(SEED)
        drawn = [seen[random.randint(len(seen), size=n_samples)] for _ in range(N_DRAWS)]
        floors = [frechet_distance(features, self.reference) for features in drawn]
        self.floor, self.floor_sd = float(np.mean(floors)), float(np.std(floors, ddof=1))

    def features(self, images: Tensor) -> Tensor:
        """float64 features (n, D) of uint8 images (n, C, H, W)."""
        if any(module.training for module in self.extractor.modules() if module is not self.extractor):
            raise ValueError(f"{self.name} is in training mode: its features would depend on the batch")
        return torch.cat([self.extractor(part) for part in images.split(500)])

    def fid(self, features: Tensor) -> dict:
        """fid, and fid_ratio to the floor."""
        fid = frechet_distance(features, self.reference)
        return {"fid": fid, "fid_ratio": fid / self.floor}

    def floors(self) -> dict:
        """What the FID is measured by and against."""
        floors = {"fid_floor": self.floor, "fid_floor_sd": self.floor_sd, "fid_floor_whole": self.floor_whole}
        return {"fid_extractor": self.name} | floors


class Scorer:
    """Scores sets of `n_samples` images of one data set with its extractors, on their device.

    fid: Fréchet distance to the test split, by the first extractor; fid2 by the second. fid_floor: the mean of the same
    over draws of `n_samples` training images, with replacement: what a perfect sampler of the training data gets. The
    training split itself gets less, since it was split from the test images class by class, and nothing that draws
    its samples independently can. fid_ratio: fid / fid_floor. The other scores are explained where they are computed.
    Raises ValueError where the reference is not held out, or an extractor is in training mode.
    """

    def __init__(self, dataset: Dataset, extractors: Sequence[nn.Module], n_samples: int):
        """extractors: one or two; without `logits_of` of the first there are no scores of classes."""
        if n_samples < 2:
            raise ValueError(f"n_samples must be at least 2 for a covariance, not {n_samples}")
        self.n_samples, self.n_classes = n_samples, dataset.n_classes
        self.device = next((p.device for p in extractors[0].parameters()), torch.device("cpu"))
        self.train = torch.from_numpy(dataset.train.images).to(self.device)
        test = torch.from_numpy(dataset.test.images).to(self.device)
        rows = np.random.RandomState(SEED).permutation(len(self.train))[: max(n_samples, MAX_POOL)]
        pool = self.train[np.sort(rows)]
        self.views = [View(extractor, pool, test, n_samples) for extractor in extractors]
        self.real = Balls(self.views[0].reference)
        self.held_out = nearest_distances(test, self.train)
        if self.held_out.median() == 0:
            raise ValueError(f"half of the reference images are training images; {HELD_OUT}")
        self.test_classes = self._classes(self.views[0].reference)

    def fid(self, images: Tensor) -> dict:
        """The cheap part, for curves: fid and fid_ratio."""
        return self.views[0].fid(self.views[0].features(self._checked(images)))

    def distance(self, images: Tensor, others: Tensor) -> float:
        """Fréchet distance of uint8 images to others, both (n, C, H, W), by the first extractor; no floor stands beside
        it, so it only ranks."""
        view = self.views[0]
        return frechet_distance(view.features(images.to(self.device)), view.features(others.to(self.device)))

    def score(self, images: Tensor, label: Tensor | None = None) -> dict:
        """Every score of uint8 images (n_samples, C, H, W), with what is needed to read it.

        label: (n_samples,) the classes they were asked for, or None; None stands for what cannot be said.
        """
        images = self._checked(images)
        features = self.views[0].features(images)
        kid, kid_se = kernel_distance(features, self.views[0].reference)
        return {
            "n_samples": len(images),
            **self._fids(features, images),
            "kid": kid,
            "kid_se": kid_se,
            **manifold_scores(Balls(features), self.real),
            **self._class_scores(features, label),
            **memorisation(nearest_distances(images, self.train), self.held_out),
        }

    def _fids(self, features: Tensor, images: Tensor) -> dict:
        first = self.views[0]
        scores = first.fid(features) | first.floors() | {"fid_bias": first.bias}
        second = {name.replace("fid", "fid2"): None for name in scores if name != "fid_bias"}
        for view in self.views[1:2]:
            found = view.fid(view.features(images)) | view.floors()
            second = {name.replace("fid", "fid2"): value for name, value in found.items()}
        return scores | second

    def _class_scores(self, features: Tensor, label: Tensor | None) -> dict:
        found = self._classes(features)
        if found is None:
            return dict.fromkeys(("class_distance", "class_entropy", "label_agreement"))
        return {
            "class_distance": class_distance(found, self.test_classes, self.n_classes),
            "class_entropy": class_entropy(found, self.n_classes),
            "label_agreement": None if label is None else label_agreement(found, label),
        }

    def _classes(self, features: Tensor) -> Tensor | None:
        """The first extractor's class (n,) of each row of its features; None if it knows no classes."""
        extractor = self.views[0].extractor
        return extractor.logits_of(features).argmax(1) if hasattr(extractor, "logits_of") else None

    def _checked(self, images: Tensor) -> Tensor:
        if len(images) != self.n_samples:
            raise ValueError(f"the floor holds for {self.n_samples} images, not for {len(images)}")
        return images.to(self.device)
