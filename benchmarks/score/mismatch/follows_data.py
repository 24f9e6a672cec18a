"""Whether samples follow the training images: a chain that starts at them, whatever enters its first link.

A paradigm observes other training data, its weights stay what they are, and it samples again with equal noise. Samples
may follow statistics of the data, such as a mean image or biases; they must not follow single images. Therefore two
changes of the data are made that leave statistics as they are: images are exchanged within their classes, and the few
images nearest to the samples are removed. Each is made for two models: the trained one, whose weights may depend on the
images but do not change here, and the untrained one, whose stages have begun on the data that it observes, since a
stage may keep images when it begins.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.columns import Column
from benchmarks.score.other_data import exchanged, without
from paradigms.base import Batch, Paradigm

COLUMNS = [
    Column(
        "change_by_exchange",
        unit="variance of the images; 0 for a chain from noise, 2 where every sample is another image",
        direction=None,
        meaning="How much samples change, at equal noise and weights, when the observed training images are exchanged "
        "within their classes, and when those nearest to the samples are removed. A row above 0.001, or 0.05 for the "
        "removal, is marked as starting from data.",
        formula="mean squared change of the samples, apart from what is common to all, / total variance of the images; "
        "the larger one of trained and untrained weights",
        source="defined here",
        misleads="Images that are kept otherwise than by `observe` or the begin of a stage, such as during a loss, do "
        "not change: a known way to fool it. The removal also changes statistics a little: a covariance of 240 "
        "images gives 0.007.",
        also=("change_by_removal",),
    ),
]
FIELDS = ("change_by_exchange", "change_by_removal")

N_IMAGES = 2000  # training images that are observed here
N_ROWS = 16
SEED = 2012

Chain = tuple[str, int]  # sampler, NFE


def data_dependence(
    paradigm: Paradigm, untrained: Paradigm, x: Tensor, label: Tensor, chains: Sequence[Chain]
) -> list[dict[str, float]]:
    """Per chain, change_by_exchange and change_by_removal: the mean squared change of its samples when single images of
    the observed training data change.

    A change is what is not common to all samples of a chain, over the total variance of the images: 0 for a chain from
    noise, 2 where every sample is another image. It is the larger one of the trained and the untrained model.

    paradigm: trained. untrained: the same with its initial weights. x, label: training images (N, C, H, W) in [-1, 1]
    and classes (N,), of which 2000 are used. chains: (sampler, NFE) pairs.
    """
    seen, found = Batch(x[:N_IMAGES], label[:N_IMAGES]), [dict.fromkeys(FIELDS, 0.0) for _ in chains]
    variance = float(seen.x.double().var(0, correction=0).sum())
    with torch.no_grad(), torch.random.fork_rng(devices=[x.device] if x.is_cuda else []):
        for model, begins in ((paradigm, False), (untrained, True)):
            before = _samples(model, seen, begins, chains)
            nearest = torch.cdist(torch.cat(before).flatten(1), seen.x.flatten(1)).argmin(1).unique()
            others = exchanged(*seen), without(*seen, nearest[: len(seen.x) // 2])
            for field, other in zip(FIELDS, others, strict=True):
                after = _samples(model, other, begins, chains)
                for entry, *pair in zip(found, before, after, strict=True):
                    entry[field] = max(entry[field], _change(*pair) / variance)
    return found


def _samples(model: Paradigm, seen: Batch, begins: bool, chains: Sequence[Chain]) -> list[Tensor]:
    """Samples (N_ROWS, ...) of each chain by a copy that observes `seen` and, where it `begins`, begins its stages."""
    twin = copy.deepcopy(model)
    torch.manual_seed(SEED)
    twin.observe(*seen)
    for stage in twin.stages() if begins else []:
        twin.enter(stage, 1)
        stage.begin()
        twin.leave()
    twin.eval()
    return [
        twin.sample(N_ROWS, nfe, torch.Generator(twin.device).manual_seed(SEED), sampler) for sampler, nfe in chains
    ]


def _change(before: Tensor, after: Tensor) -> float:
    change = (before - after).double().flatten(1)
    return float((change - change.median(0).values).square().sum(1).mean())
