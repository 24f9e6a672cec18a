"""Training of a deep belief network, layer by layer, as its recorded losses tell: records keep no samples between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.report.figures import style, training_curves
from benchmarks.report.talk.runs import Runs, SlideRun

PER_STAGE = 6  # images


def states(runs: Runs, size: tuple[float, float]) -> tuple[SlideRun, list[Figure]] | None:
    """The curves of all stages, uncovered from the left; the last figure has the test accuracy."""
    for run in runs.runs:
        cells = run.frames.cells[run.frames.cells.series.isna()]
        networks = {row.variant for row in cells.itertuples() if Path(row.paradigm).stem == "dbn"}
        loss = run.frames.loss[run.frames.loss.variant.isin(networks)]
        stages = loss.groupby("variant").stage_index.nunique()
        if len(stages) and stages.max() > 1:
            variant, n = stages.idxmax(), stages.max()
            return run, [_state(run, variant, until, n) for until in np.linspace(0, n, n * PER_STAGE + 1)[1:]]
    return None


def _state(run: SlideRun, variant: str, until: float, n_stages: int) -> Figure:
    fig = style.figure()
    ax = fig.subplots()
    done = until >= n_stages
    training_curves.panel(ax, run.frames, variant, with_accuracy=done)
    if not done:
        ax.axvspan(until, n_stages, color=style.theme().paper, zorder=10)
    return fig
