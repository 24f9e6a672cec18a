"""Fréchet distance of the Gaussians fitted to two sets of features (Heusel et al. 2017), by torchmetrics in float64."""

from __future__ import annotations

from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance


def frechet_distance(features: Tensor, reference: Tensor) -> float:
    """Distance of features (n, D) from reference features (m, D); n and m at least 2.

    Biased upwards for few samples, so it is read beside its floor at the same n.
    """
    given = nn.Identity()  # the features are computed already, once for all metrics
    given.num_features = features.shape[1]
    metric = FrechetInceptionDistance(feature=given)
    metric.update(reference.double().cpu(), real=True)
    metric.update(features.double().cpu(), real=False)
    return float(metric.compute())
