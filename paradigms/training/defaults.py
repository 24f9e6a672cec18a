"""How a stage steps unless it says otherwise: its optimiser, and the factor on the learning rate along the stage."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn


def adam(lr: float = 2e-3) -> Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer]:
    """An optimiser for a Stage: Adam at `lr` with betas (.9, .99), as short runs of small networks want."""
    return lambda parameters: torch.optim.Adam(parameters, lr=lr, betas=(0.9, 0.99), fused=True)


def cosine(progress: float) -> float:
    """Learning-rate factor at `progress` in [0, 1] of a stage: 1 falling to 0 along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def linear(progress: float) -> float:
    """Learning-rate factor at `progress` in [0, 1] of a stage: 1 falling to 0 along a line."""
    return 1 - progress
