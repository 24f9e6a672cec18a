"""How close images lie to the training split: Euclidean distance in pixels to the nearest training image."""

from __future__ import annotations

import torch
from torch import Tensor


def nearest(images: Tensor, train: Tensor, chunk: int = 500) -> Tensor:
    """Indices (n,) of the training image nearest to each of the uint8 images (n, C, H, W)."""
    points = train.flatten(1).float()
    norms = points.square().sum(1)
    found = [(norms - 2 * part.flatten(1).float() @ points.T).argmin(1) for part in images.split(chunk)]
    return torch.cat(found)


def nearest_distance(images: Tensor, train: Tensor) -> float:
    """Mean over the images of the distance to the nearest training image, in grey levels; 0 exactly for copies."""
    found = train[nearest(images, train)]
    return float((images.double() - found.double()).flatten(1).norm(dim=1).mean())
