"""Copies: samples that are nearer to a training image than nearly all held-out images are."""

from __future__ import annotations

from benchmarks.columns import Column
from benchmarks.score.metrics.memorisation import held_out_distances, nearest_distances
from benchmarks.score.scored_samples import ScoredSamples

RARE = 0.01

COLUMNS = [
    Column(
        "copied_share",
        unit="share of samples; 0.01 is like new data, 1 is copies",
        direction=None,
        meaning="Share of samples that are nearer to a training image than 99 % of the test images are.",
        formula="mean of 1[distance to the nearest training image < 1 % quantile of that distance over the test split]",
        source="defined here, after the nearest-neighbour test of Meehan et al. 2020",
        misleads="Blurred samples lie nearer to training images than new data without being copies. Distances are in "
        "pixels, so a shifted copy is not found. A row whose share is above 0.5 is marked as copying.",
        style="percent",
    ),
]


def compute(samples: ScoredSamples) -> dict[str, float]:
    """copied_share of the samples."""
    distances = nearest_distances(samples.images, samples.real.train)
    rare = samples.real.once(held_out_distances).quantile(RARE)
    return {"copied_share": float((distances < rare).double().mean())}
