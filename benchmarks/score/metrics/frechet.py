"""Fréchet distance of the Gaussians fitted to two sets of features (Heusel et al. 2017), by torchmetrics in float64."""

from __future__ import annotations

import torch
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


def frechet_bias(real: Tensor, n: int, m: int) -> float:
    """First-order expectation of the distance of n from m independent draws of the law of `real` features (N, D).

    (1/n + 1/m) [sum l_i + sum_ij l_i l_j / (2 (l_i + l_j)) + sum_i l_i / 4], l the eigenvalues of the covariance. The
    means give the first sum, the curvature of the trace term at equal Gaussians the others. Tails heavier than a
    Gaussian's raise the true bias; splits stratified by class, whose class means do not vary, lower it.
    """
    spectrum = torch.linalg.eigvalsh(torch.atleast_2d(torch.cov(real.double().cpu().T))).clamp(min=0)
    sums = (spectrum[:, None] + spectrum).clamp(min=torch.finfo(spectrum.dtype).tiny)  # 0 / 0 is 0 here
    pairs = spectrum[:, None] * spectrum / (2 * sums)
    return float((1 / n + 1 / m) * (1.25 * spectrum.sum() + pairs.sum()))
