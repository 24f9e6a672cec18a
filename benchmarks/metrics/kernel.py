"""Kernel distance of two sets of features (Binkowski et al. 2018): unbiased squared MMD, by torchmetrics in float64."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor, nn
from torchmetrics.image.kid import KernelInceptionDistance

SEED = 2012


def kernel_distance(features: Tensor, reference: Tensor, subsets: int = 100, subset_size: int = 1000) -> float:
    """Mean over seeded subsets of the MMD^2 with kernel (x.y / D + 1)^3 of features (n, D) and reference (m, D).

    Unbiased at any size, so it may be negative near equality. A subset is never larger than the smaller set.
    """
    size = min(subset_size, len(features), len(reference))
    with warnings.catch_warnings(), torch.random.fork_rng(devices=[]):
        warnings.simplefilter("ignore")  # torchmetrics warns of its memory use at every construction
        torch.manual_seed(SEED)
        metric = KernelInceptionDistance(feature=nn.Identity(), subsets=subsets, subset_size=size)
        metric.update(reference.double().cpu(), real=True)
        metric.update(features.double().cpu(), real=False)
        return float(metric.compute()[0])
