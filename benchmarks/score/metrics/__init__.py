"""Metrics of generated images and of recognition, one per file. Importing this package imports torch.

Every file with a function `compute` is a metric of generated images and is found by itself; see `scorer.Scorer`.
"""

from benchmarks.data.pixels import to_float, to_uint8
from benchmarks.score.metrics.accuracy import accuracy, outputs, recognition
from benchmarks.score.metrics.memorisation import nearest
from benchmarks.score.metrics.scorer import Scorer

__all__ = ["Scorer", "accuracy", "nearest", "outputs", "recognition", "to_float", "to_uint8"]
