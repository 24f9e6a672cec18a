"""Classification accuracy."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.metrics.pixels import to_float


@torch.no_grad()
def accuracy(paradigm, images: Tensor, labels: Tensor, batch: int = 256) -> float:
    """Share of uint8 images (N, C, H, W) whose largest logit is their label (N,); `paradigm` is in eval mode."""
    correct = 0
    for x, label in zip(images.split(batch), labels.split(batch), strict=True):
        correct += int((paradigm.logits(to_float(x.to(paradigm.device))).argmax(1).cpu() == label.cpu()).sum())
    return correct / len(labels)
