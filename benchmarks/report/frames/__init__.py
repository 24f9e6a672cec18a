"""Tidy data from the records of a results folder, and all that is computed from it; neither torch nor matplotlib."""

from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.reading import read

__all__ = ["Frames", "read"]
