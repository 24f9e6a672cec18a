"""Scores sets of generated images by every metric file in this folder."""

from __future__ import annotations

import importlib
import math
import traceback
from collections.abc import Callable, Sequence
from types import ModuleType

import torch
from torch import Tensor, nn

from benchmarks import columns
from benchmarks.data import Dataset
from benchmarks.score.metrics import frechet
from benchmarks.score.scored_samples import RealImages, ScoredSamples
from paradigms.training.ranks import Ranks


class Scorer:
    """Scores sets of `n_samples` images of one data set against its test split, by one or two extractors.

    A metric is a file in this folder with `COLUMNS` and `compute(samples: ScoredSamples)`, which returns a value, or
    None where the metric does not apply, for each column. It may also have `prepare(real: RealImages)`, which is called
    once before anything is scored and raises ValueError where the real images cannot serve as a reference.

    dataset: all its splits are used; the validation split for `validation_fid` only.
    extractors: the first is used by all metrics, the second by `fid2` only; metrics of classes need a first one that is
        a classifier (has `logits_of`).
    n_samples: images in every set, at least 2.
    ranks: processes that share the work; None for this one alone.

    Raises ValueError where the reference is not held out, or an extractor is in training mode.
    """

    def __init__(self, dataset: Dataset, extractors: Sequence[nn.Module], n_samples: int, ranks: Ranks | None = None):
        if n_samples < 2:
            raise ValueError(f"n_samples must be at least 2 for a covariance, not {n_samples}")
        self.metrics = found()
        self.real = RealImages(dataset, extractors, n_samples, ranks)
        for metric in self.metrics:
            if hasattr(metric, "prepare"):
                metric.prepare(self.real)

    def fid(self, images: Tensor) -> dict:
        """{"fid", "fid_ratio"} of uint8 images (n_samples, C, H, W) by the first extractor: the quick score for curves.

        Both are None where the distance cannot be computed or is not finite.
        """
        samples = self._checked(images)
        features = samples.features()  # outside: an extractor in training mode is an error, not a missing value
        scores, _ = _computed(lambda: frechet.ratio(features, self.real, 0), ("fid", "fid_ratio"))
        return scores

    def score(self, images: Tensor, label: Tensor | None = None) -> dict:
        """Every metric of uint8 images (n_samples, C, H, W), with the names of the extractors.

        label: the classes (n_samples,) that were requested, or None. A metric that does not apply is None. So is one
        that fails or is not finite; then `metric_reasons` says why, by column.
        """
        samples = self._checked(images, label)
        names = [each.name for each in self.real.by_extractor]
        scores, reasons = {"n_samples": len(samples.images)}, {}
        scores |= {"fid_extractor": names[0], "fid2_extractor": names[1] if len(names) > 1 else None}
        for metric in self.metrics:
            wanted = tuple(name for column in metric.COLUMNS for name in column.names)
            values, missing = _computed(lambda compute=metric.compute: compute(samples), wanted)
            scores |= values
            reasons |= missing
        return scores | ({"metric_reasons": reasons} if reasons else {})

    def _checked(self, images: Tensor, label: Tensor | None = None) -> ScoredSamples:
        if images.dtype != torch.uint8:
            raise TypeError(f"images to score must be uint8, not {images.dtype}")
        if len(images) != self.real.n_samples:
            raise ValueError(f"the floor holds for {self.real.n_samples} images, not for {len(images)}")
        return ScoredSamples(images.to(self.real.device), label, self.real)


def found() -> list[ModuleType]:
    """The metric modules, sorted by name. Raises ValueError where two of them declare one column."""
    return [importlib.import_module(f"{__package__}.{name}") for name in columns.of_metrics()]


def _computed(compute: Callable[[], dict], wanted: Sequence[str]) -> tuple[dict, dict[str, str]]:
    """(values, reasons) of a metric: a failure must not lose the trained cell, so it becomes None with a reason."""
    try:
        values = {name: _plain(value) for name, value in compute().items()}
    except Exception as error:
        traceback.print_exc()
        reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"
        return dict.fromkeys(wanted), dict.fromkeys(wanted, reason)
    reasons = {name: "compute() returned no value for it" for name in wanted if name not in values}
    reasons |= {name: f"not finite: {v}" for name, v in values.items() if isinstance(v, float) and not math.isfinite(v)}
    return values | dict.fromkeys(reasons), reasons


def _plain(value: object) -> object:
    """The value as JSON knows it: a tensor or a NumPy number as a float."""
    return value if value is None or isinstance(value, int | float) else float(value)
