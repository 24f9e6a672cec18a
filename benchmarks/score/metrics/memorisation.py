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


def nearest_distances(images: Tensor, train: Tensor) -> Tensor:
    """Distance (n,) of each image to its nearest training image, float64 in grey levels; 0 exactly for copies."""
    found = train[nearest(images, train)]
    return (images.double() - found.double()).flatten(1).norm(dim=1)


def memorisation(distances: Tensor, held_out: Tensor) -> dict[str, float]:
    """How `distances` (n,) of samples compare with those of held-out images (m,).

    memorisation: share of samples nearer to a training image than the median held-out image is; 0.5 is like new data,
    1 is copies. memorisation_ratio: mean over mean; 1 is like new data, 0 is copies. Blurred or collapsed samples may
    look like either: read it beside the FID.
    """
    nearer = (distances < held_out.quantile(0.5)).double().mean()
    return {"memorisation": float(nearer), "memorisation_ratio": float(distances.mean() / held_out.mean())}
