"""Stochastic gradient descent with momentum, as all recognisers use it: weight decay touches matrices, never biases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn


def momentum_sgd(lr: float, weight_decay: float = 0.0, momentum: float = 0.9) -> Callable:
    """The optimiser of a Stage: SGD whose decay is `weight_decay` W in the gradient of every W of two or more axes."""

    def build(parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        groups = [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.SGD(groups, lr=lr, momentum=momentum, fused=True)

    return build
