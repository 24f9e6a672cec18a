"""Binary stochastic units: images as their probabilities, and draws of their states."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def to_units(x: Tensor) -> Tensor:
    """Images x (B, C, H, W) in [-1, 1] as probabilities (B, C H W)."""
    return (x.flatten(1) + 1) / 2


def to_images(v: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Probabilities v (B, C H W) as images (B, C, H, W) in [-1, 1]."""
    return (2 * v - 1).view(-1, *shape)


def bernoulli(mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """0 or 1 for each unit on its own, 1 with probability `mean`; any shape. A draw has no gradient."""
    # Comparing uniforms where they lie takes a quarter of the time of torch.bernoulli on a CPU.
    return torch.rand(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device).lt_(mean.detach())


def cross_entropy(log_odds: Tensor, units: Tensor, weight: Tensor | None = None) -> Tensor:
    """Of `units` (B, N), states or probabilities, under `log_odds` (B, N): weighted and summed over units, averaged
    over rows; a scalar."""
    return F.binary_cross_entropy_with_logits(log_odds, units, weight, reduction="sum") / len(units)
