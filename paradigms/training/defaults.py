"""Defaults of a stage: its optimiser, and the course of its learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import nn


def adam(lr: float = 2e-3) -> Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer]:
    """Returns the optimiser of a Stage: Adam at learning rate `lr`, with betas (0.9, 0.99), which suit short runs."""
    return lambda parameters: torch.optim.Adam(parameters, lr=lr, betas=(0.9, 0.99), fused=True)


def cosine(progress: float) -> float:
    """Returns the learning-rate factor at `progress` in [0, 1] through a stage: from 1 to 0 along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def linear(progress: float) -> float:
    """Returns the learning-rate factor at `progress` in [0, 1] through a stage: from 1 to 0 along a line."""
    return 1 - progress
