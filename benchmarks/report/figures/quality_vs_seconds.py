"""Quality along training against the seconds spent: what equal FLOPs hide where their rates differ."""

from __future__ import annotations

from matplotlib.figure import Figure

from benchmarks.report.figures import quality_vs_flops
from benchmarks.report.frames import Frames


def draw(frames: Frames) -> Figure | None:
    """The panels of `quality_vs_flops` on another axis."""
    return quality_vs_flops.draw(frames, "seconds", "training seconds")
