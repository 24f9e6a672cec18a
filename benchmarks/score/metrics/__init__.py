"""Quality of samples and of recognition; one metric a file. Importing this package imports torch."""

from benchmarks.data.pixels import to_float, to_uint8
from benchmarks.score.metrics.accuracy import accuracy, outputs, recognition
from benchmarks.score.metrics.memorisation import nearest
from benchmarks.score.metrics.scorer import Scorer

__all__ = ["Scorer", "accuracy", "nearest", "outputs", "recognition", "to_float", "to_uint8"]
