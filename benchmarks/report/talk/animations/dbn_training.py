"""Training of a deep belief network, layer by layer, as recorded: the layers that a stage trains, and its loss."""

from __future__ import annotations

from math import ceil
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from benchmarks.report.figures import style, training_curves, two_eras
from benchmarks.report.frames.chains import chains
from benchmarks.report.frames.parts import listed
from benchmarks.report.languages import say
from benchmarks.report.talk.runs import Runs, SlideRun

PER_STAGE = 6  # images
TRAINED = 0.3  # how far a layer is filled that an earlier stage has trained
DISC = 20  # points


def states(runs: Runs, size: tuple[float, float]) -> tuple[SlideRun, list[Figure]] | None:
    """Left the layers, lit while their stage trains them; right the curves of all stages, uncovered from the left. The
    last figure has the test accuracy."""
    for run in runs.runs:
        cells = run.frames.cells[run.frames.cells.series.isna()]
        networks = {row.variant for row in cells.itertuples() if Path(row.paradigm).stem == "dbn"}
        loss = run.frames.loss[run.frames.loss.variant.isin(networks)]
        stages = loss.groupby("variant").stage_index.nunique()
        if len(stages) and stages.max() > 1:
            variant, n = stages.idxmax(), stages.max()
            lit = _lit(run, variant)
            lit = lit if len(lit) == n else []
            return run, [_state(run, variant, until, n, lit) for until in np.linspace(0, n, n * PER_STAGE + 1)[1:]]
    return None


def _lit(run: SlideRun, variant: str) -> list[list[float]]:
    """For every stage, in order, which layers of the recogniser it trains; empty where that was not measured."""
    for chain in chains(run.frames, "reach"):
        for graph in listed(chain.quality["reach"].get("graphs")):
            if chain.variant == variant and graph.get("graph") == "recognition":
                return [_shares(stage) for stage in listed(graph.get("stages"))]
    return []


def _shares(stage: dict) -> list[float]:
    """The share of the training examples for which a stage trains each layer."""
    return [share or 0.0 for share in stage.get("lit") or []]


def _state(run: SlideRun, variant: str, until: float, n_stages: int, lit: list[list[float]]) -> Figure:
    fig = style.figure()
    if lit:
        layers, ax = fig.subplots(1, 2, width_ratios=(1, 3))
        _layers(layers, lit, ceil(until) - 1, style.look(run.frames, variant).color)
    else:
        ax = fig.subplots()
    done = until >= n_stages
    training_curves.panel(ax, run.frames, variant, with_accuracy=done)
    if not done:
        ax.axvspan(until, n_stages, color=style.theme().paper, zorder=10)
    return fig


def _layers(ax, lit: list[list[float]], stage: int, color: str) -> None:
    """Draw the layers as a stage trains them; those that an earlier one has trained are pale."""
    before = [TRAINED * any(shares) for shares in zip(*lit[:stage], strict=False)] or [0.0] * len(lit[stage])
    shown = [max(now, earlier) for now, earlier in zip(lit[stage], before, strict=True)]
    two_eras.discs(ax, shown, sum(map(bool, lit[stage])) > 1, color, DISC)
    ax.set_title(say("trained now"), fontsize=style.SMALL, color=style.ink(color))
    ax.text(0, -0.45, say("input"), ha="center", va="top", fontsize=style.SMALL, color=style.theme().muted)
