"""Memorisation: Euclidean pixel distance of samples to the nearest training image, against that of held-out images."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.columns import Column
from benchmarks.score.scored_samples import RealImages, ScoredSamples

COLUMNS = [
    Column(
        "memorisation",
        unit="share of samples; 0.5 is like new data, 1 is copies",
        direction=None,
        meaning="Share of samples that are closer to a training image than the median test image is.",
        formula="mean of 1[distance to the nearest training image < median of that distance over the test split]",
        source="defined here, after the nearest-neighbour test of Meehan et al. 2020",
        misleads="Smooth or blurred samples lie close to training images without being copies; noisy samples lie "
        "far from all of them. Distances are in pixels, so a shifted copy is not found.",
        head="memorised",
        style="percent",
    ),
    Column(
        "memorisation_ratio",
        unit="none; 1 is as far from the training images as new data, 0 is copies",
        direction=None,
        meaning="Mean distance of the samples to the nearest training image, over the same mean of the test images.",
        formula="mean d(sample) / mean d(test image), with d the Euclidean pixel distance to the nearest training "
        "image",
        source="defined here, after the nearest-neighbour test of Meehan et al. 2020",
        misleads="A mean hides a few copies among many distant samples. A value well above 1 means samples off "
        "the data, not originality.",
        head="distance ratio",
    ),
]


def prepare(real: RealImages) -> None:
    """Compute the test images' distances. Raises ValueError where half of them are training images."""
    if real.once(held_out_distances).median() == 0:
        raise ValueError(
            "half of the reference images are training images; the reference must be held out, not the training images"
        )


def compute(samples: ScoredSamples) -> dict[str, float | None]:
    """memorisation and memorisation_ratio of the samples."""
    return memorisation(nearest_distances(samples.images, samples.real.train), samples.real.once(held_out_distances))


def held_out_distances(real: RealImages) -> Tensor:
    """Distance (m,) of each test image to its nearest training image."""
    return nearest_distances(real.test, real.train)


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
    """Compares the distances (n,) of samples to their nearest training image with those of held-out images (m,).

    memorisation: share of samples closer to a training image than the median held-out image is; 0.5 is like new data,
    1 is copies. memorisation_ratio: mean over mean; 1 is like new data, 0 is copies. Blurred or collapsed samples may
    have any value of either, so read them beside the FID.
    """
    nearer = (distances < held_out.quantile(0.5)).double().mean()
    return {"memorisation": float(nearer), "memorisation_ratio": float(distances.mean() / held_out.mean())}
