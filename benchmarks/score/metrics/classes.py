"""What classes the samples are of, as the scoring classifier sees them."""

from __future__ import annotations

import torch
from torch import Tensor


def class_distance(found: Tensor, reference: Tensor, n_classes: int) -> float:
    """Total variation in [0, 1] between the class histograms of two sets of classes, (n,) and (m,) int64.

    Not 0 for equal laws: about sqrt(n_classes (1/n + 1/m) / (2 pi)) of it is noise.
    """
    return float((_histogram(found, n_classes) - _histogram(reference, n_classes)).abs().sum() / 2)


def class_entropy(found: Tensor, n_classes: int) -> float:
    """Entropy in nats of the class histogram: log n_classes if balanced, 0 for a single class."""
    return float(torch.special.entr(_histogram(found, n_classes)).sum())


def label_agreement(found: Tensor, asked: Tensor) -> float:
    """Share of samples whose class (n,) is the label (n,) that they were asked for."""
    return float((found.cpu() == asked.cpu()).double().mean())


def _histogram(classes: Tensor, n_classes: int) -> Tensor:
    return torch.bincount(classes.cpu(), minlength=n_classes).double() / len(classes)
