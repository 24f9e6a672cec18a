"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) of features, in float64.

All four count which points lie inside the k-nearest-neighbour balls of a set: the balls around its points with the
distance to the k-th nearest other point of the set as radius. So they share one pass over the distances. Reference
implementation: Naeem's `prdc`, whose strict `<` is used for all four.
"""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.columns import Column
from benchmarks.score.scored_samples import RealImages, ScoredSamples

K = 5
CHUNK = 1000

COLUMNS = [
    Column(
        "precision",
        unit="share of samples",
        direction="higher",
        meaning="Share of samples that lie on the manifold of the test images: inside at least one of their "
        "5-nearest-neighbour balls, in the features of the first extractor. It measures fidelity.",
        formula="mean over samples of 1[some test image y: |x - y| < distance of y to its 5th nearest test image]",
        source="Kynkäänniemi et al. 2019, equations 1 and 2; strict inequality as in the package prdc",
        misleads="One outlier among the test images makes a large ball that accepts almost anything. The value "
        "depends on both set sizes and is below 1 for real images.",
        head="precision",
    ),
    Column(
        "recall",
        unit="share of test images",
        direction="higher",
        meaning="Share of test images that lie on the manifold of the samples: inside at least one of their "
        "5-nearest-neighbour balls. It measures diversity.",
        formula="mean over test images of 1[some sample x: |x - y| < distance of x to its 5th nearest sample]",
        source="Kynkäänniemi et al. 2019, equations 1 and 2; strict inequality as in the package prdc",
        misleads="Scattered samples have large balls and so a high recall without being good. The value depends "
        "on both set sizes and is below 1 for real images.",
        head="recall",
    ),
    Column(
        "density",
        unit="none; 1 on average for samples of the test distribution",
        direction=None,
        meaning="Mean number of test images' balls that contain a sample, over k = 5. It is a precision that is "
        "robust to outliers.",
        formula="sum over samples and test images of 1[sample in ball of test image] / (k n)",
        source="Naeem et al. 2020, section 3",
        misleads="A density above 1 means that samples crowd where test images are dense; it is no merit.",
        head="density",
    ),
    Column(
        "coverage",
        unit="share of test images",
        direction="higher",
        meaning="Share of test images whose 5-nearest-neighbour ball contains at least one sample.",
        formula="mean over test images of 1[some sample in the ball]; 1 - 2^-5 = 0.97 on average for equal "
        "distributions and counts",
        source="Naeem et al. 2020, section 3",
        misleads="It grows with the number of samples, so only rows of equal `n_samples` can be compared.",
        head="coverage",
    ),
]


def compute(samples: ScoredSamples) -> dict[str, float | None]:
    """Precision, recall, density and coverage against the test split, by the first extractor."""
    return manifold_scores(Balls(samples.features()), samples.real.once(real_balls))


def real_balls(real: RealImages) -> Balls:
    """The balls of the test images' features by the first extractor."""
    return Balls(real.by_extractor[0].reference)


class Balls:
    """k-nearest-neighbour balls of points (N, D): centres, and radii (N,) to the k-th nearest other point; k < N."""

    def __init__(self, points: Tensor, k: int = K):
        self.points = points.double()
        self.k = min(k, len(points) - 1)
        # The nearest of all is the point itself.
        nearest = [torch.cdist(part, self.points).topk(self.k + 1, largest=False) for part in self.points.split(CHUNK)]
        self.radii = torch.cat([found.values[:, -1] for found in nearest])  # (N,)


def manifold_scores(samples: Balls, real: Balls) -> dict[str, float]:
    """Precision, recall, density and coverage of samples against real images, from the balls of both.

    precision: share of samples in a ball of a real point. recall: share of real points in a ball of a sample.
    density: mean number of real balls that contain a sample, over k; above 1 where samples crowd.
    coverage: share of real balls that contain a sample.

    For equal distributions and equal counts, density is 1 and coverage 1 - 2^-k on average; precision and recall fall
    with the dimension. All depend on both counts, so compare at equal ones.
    """
    precise = 0
    density = 0
    recalled = torch.zeros(len(real.points), dtype=torch.bool, device=real.points.device)
    covered = recalled.clone()
    for points, radii in zip(samples.points.split(CHUNK), samples.radii.split(CHUNK), strict=True):
        distance = torch.cdist(points, real.points)  # (chunk, N real)
        inside = distance < real.radii
        precise += int(inside.any(1).sum())
        density += int(inside.sum())
        covered |= inside.any(0)
        recalled |= (distance < radii[:, None]).any(0)
    n = len(samples.points)
    return {
        "precision": precise / n,
        "recall": float(recalled.double().mean()),
        "density": density / (real.k * n),
        "coverage": float(covered.double().mean()),
    }
