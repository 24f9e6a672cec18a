"""Quality along training against training time; methods differ in the FLOPs that they execute per second."""

from __future__ import annotations

from matplotlib.figure import Figure

from benchmarks.report.figures import quality_vs_flops
from benchmarks.report.frames.frames import Frames
from benchmarks.report.languages import say


def draw(frames: Frames) -> Figure | None:
    """The panels of `quality_vs_flops` against seconds."""
    return quality_vs_flops.draw(frames, "seconds", say("training seconds"))
