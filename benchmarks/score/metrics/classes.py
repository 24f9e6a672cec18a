"""Classes of the samples, as predicted by the first extractor: their histogram, and agreement with requested labels."""

from __future__ import annotations

import torch
from torch import Tensor

from benchmarks.columns import Column
from benchmarks.score.scored_samples import ScoredSamples

COLUMNS = [
    Column(
        "class_distance",
        unit="share, 0 to 1",
        direction="lower",
        meaning="Total variation distance between the class histograms of the samples and of the test split.",
        formula="sum over classes of |p - q| / 2, classes as predicted by the first extractor for both sets",
        source="total variation distance; classes by the scoring classifier",
        misleads="Equal class distributions still give about sqrt(C (1/n + 1/m) / (2 pi)) by sampling noise. A "
        "sample that resembles no class is assigned to one, too.",
        head="class distance",
    ),
    Column(
        "class_entropy",
        unit="nats; log C for balanced classes, 0 for a single one",
        direction=None,
        meaning="Entropy of the class histogram of the samples. A low value shows a collapse to few classes.",
        formula="-sum over classes of p log p, classes as predicted by the first extractor",
        source="Shannon entropy; classes by the scoring classifier",
        misleads="High entropy says nothing about the quality of a sample or the diversity within a class.",
        head="entropy",
    ),
    Column(
        "label_agreement",
        unit="share of samples",
        direction="higher",
        meaning="Share of samples whose predicted class is the label that was requested; empty for unconditional "
        "samplers.",
        formula="mean of 1[class predicted by the first extractor = requested label]",
        source="as the classification accuracy of conditional samples in Odena et al. 2017, with the scoring "
        "classifier",
        misleads="The classifier makes errors on real images, too. One perfect image per class, repeated, would "
        "score 1.",
        head="label agreement",
        style="percent",
    ),
]


def compute(samples: ScoredSamples) -> dict[str, float | None]:
    """The three scores; all None if the first extractor is no classifier, label_agreement also without labels."""
    found, n_classes = samples.classes, samples.real.n_classes
    if found is None:
        return dict.fromkeys(("class_distance", "class_entropy", "label_agreement"))
    return {
        "class_distance": class_distance(found, samples.real.test_classes, n_classes),
        "class_entropy": class_entropy(found, n_classes),
        "label_agreement": None if samples.label is None else label_agreement(found, samples.label),
    }


def class_distance(found: Tensor, reference: Tensor, n_classes: int) -> float:
    """Total variation in [0, 1] between the class histograms of two sets of classes, (n,) and (m,) int64.

    Not 0 for two samples of one distribution: about sqrt(n_classes (1/n + 1/m) / (2 pi)) of it is noise.
    """
    return float((_histogram(found, n_classes) - _histogram(reference, n_classes)).abs().sum() / 2)


def class_entropy(found: Tensor, n_classes: int) -> float:
    """Entropy in nats of the class histogram: log n_classes if balanced, 0 for a single class."""
    return float(torch.special.entr(_histogram(found, n_classes)).sum())


def label_agreement(found: Tensor, requested: Tensor) -> float:
    """Share of samples whose predicted class (n,) is the requested label (n,)."""
    return float((found.cpu() == requested.cpu()).double().mean())


def _histogram(classes: Tensor, n_classes: int) -> Tensor:
    return torch.bincount(classes.cpu(), minlength=n_classes).double() / len(classes)
