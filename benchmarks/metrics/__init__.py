"""Quality of samples and of recognition; one metric a file. Importing this package imports torch."""

from benchmarks.metrics.accuracy import accuracy, outputs, recognition
from benchmarks.metrics.memorisation import nearest
from benchmarks.metrics.pixels import to_float, to_uint8
from benchmarks.metrics.scorer import Scorer

__all__ = ["Scorer", "accuracy", "nearest", "outputs", "recognition", "to_float", "to_uint8"]
