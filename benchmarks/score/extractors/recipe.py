"""Shared by the recipes of the scoring networks: preprocessing of images, and the training loop."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

BATCH = 64
LEARNING_RATE = 3e-3


class FloatPixels(nn.Module):
    """uint8 images as floats in [-1, 1]."""

    def forward(self, images: Tensor) -> Tensor:
        return images.float() / 127.5 - 1


def fit(network: nn.Sequential, n_images: int, n_updates: int, loss: Callable[[Tensor], Tensor]) -> None:
    """AdamW under a one-cycle schedule on `loss(rows)` of random rows (64,); leaves the network in eval mode.

    Everything is drawn from torch's global generator: seed it before the network is built.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=LEARNING_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, n_updates)
    for _ in range(n_updates):
        value = loss(torch.randint(n_images, (BATCH,)))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        schedule.step()
    network.eval()
