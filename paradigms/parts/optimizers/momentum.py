"""Stochastic gradient descent with momentum for all recognisers: weight decay on matrices, none on biases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn


def momentum_sgd(lr: float, weight_decay: float = 0.0, momentum: float = 0.9) -> Callable:
    """A Stage's `optimizer`: parameters -> SGD with momentum.

    lr: learning rate.
    weight_decay: adds weight_decay * W to the gradient of every parameter W of two or more axes.
    momentum: in [0, 1).
    """

    def build(parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        groups = [
            {"params": [p for p in parameters if p.dim() > 1], "weight_decay": weight_decay},
            {"params": [p for p in parameters if p.dim() <= 1], "weight_decay": 0.0},
        ]
        return torch.optim.SGD(groups, lr=lr, momentum=momentum, fused=True)

    return build
