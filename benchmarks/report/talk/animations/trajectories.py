"""Sampling trajectories of every generator side by side, from the same noise."""

from __future__ import annotations

from matplotlib.figure import Figure

from benchmarks.report import figures
from benchmarks.report.figures import paths, style
from benchmarks.report.figures.axes import image_strip
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import balanced
from benchmarks.report.talk.runs import Runs, SlideRun

NAME_WIDTH = 21  # letters of a line of a variant's name


def states(runs: Runs, size: tuple[float, float]) -> tuple[SlideRun, list[Figure]] | None:
    """One figure per evaluation; a chain that has ended keeps its sample."""
    for run in runs.runs:
        frames = figures.shown("paths", run.frames)
        trajectories = paths.recorded(frames)
        if trajectories:
            n = max(map(len, trajectories.values()))
            return run, [_state(frames, trajectories, step) for step in range(n)]
    return None


def _state(frames, trajectories: dict, step: int) -> Figure:
    fig = style.figure()
    axes = fig.subplots(1, len(trajectories), squeeze=False)[0]
    for ax, (variant, path) in zip(axes, trajectories.items(), strict=True):
        at = min(step, len(path) - 1)
        image_strip(ax, path[at], columns=1)
        name = "\n".join(balanced(style.label(frames, variant), NAME_WIDTH))
        ax.set_title(name, fontsize=style.SMALL, color=style.ink(style.look(frames, variant).color))
        ax.set_xlabel(say("noise") if at == 0 else say("{nfe} NFE", nfe=at), fontsize=style.SMALL)
    return fig
