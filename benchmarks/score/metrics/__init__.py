"""Metrics of generated images and of recognition, one per file. Importing this package imports torch.

A metric of generated images is a file with `COLUMNS` (declarations, see `benchmarks.columns`) and a function
`compute(samples: ScoredSamples) -> dict`. It is found by itself: adding one needs no other edit (see `scorer.Scorer`).
"""

from benchmarks.data.pixels import to_float, to_uint8
from benchmarks.score.metrics.accuracy import accuracy, outputs, recognition
from benchmarks.score.metrics.memorisation import nearest
from benchmarks.score.metrics.scorer import Scorer

__all__ = ["Scorer", "accuracy", "nearest", "outputs", "recognition", "to_float", "to_uint8"]
