"""Precision and recall (Kynkäänniemi et al. 2019), density and coverage (Naeem et al. 2020) of features, in float64.

All four ask which points lie in the balls that reach from a point of a set to the k-th nearest other point of its set,
so they share one pass over the distances. Reference implementation: Naeem's `prdc`, whose strict `<` is used for all.
"""

from __future__ import annotations

import torch
from torch import Tensor

K = 5
CHUNK = 1000


class Balls:
    """The balls around points (N, D) of the radius to their k-th nearest other point; k at most N - 1."""

    def __init__(self, points: Tensor, k: int = K):
        self.points = points.double()
        self.k = min(k, len(points) - 1)
        # The nearest of all is the point itself.
        nearest = [torch.cdist(part, self.points).topk(self.k + 1, largest=False) for part in self.points.split(CHUNK)]
        self.radii = torch.cat([found.values[:, -1] for found in nearest])  # (N,)


def manifold_scores(samples: Balls, real: Balls) -> dict[str, float]:
    """precision: share of samples in a ball of a real point. recall: share of real points in a ball of a sample.
    density: mean number of real balls that hold a sample, over k; above 1 where samples crowd. coverage: share of real
    balls that hold a sample. For equal laws and equal counts density is 1 and coverage 1 - 2^-k on average; precision
    and recall fall with the dimension. All depend on both counts, so compare at equal ones."""
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
