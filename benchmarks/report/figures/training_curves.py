"""Loss of every training stage and test accuracy along training, one panel per variant."""

from __future__ import annotations

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.figures import style
from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.languages import name as in_words
from benchmarks.report.languages import say

COLUMNS = 2
ROW_INCHES = 1.5  # what a panel, its title and its stages' names take


def draw(frames: Frames) -> Figure | None:
    """x: stages side by side, equally wide. y: each stage's loss within its own range, and accuracy from 0 to 1."""
    variants = frames.ordered(frames.loss.variant)
    if not variants:
        return None
    rows = math.ceil(len(variants) / COLUMNS)
    fig = style.figure(_finding(frames, variants), ROW_INCHES * rows)
    axes = fig.subplots(rows, COLUMNS, squeeze=False)
    axes = iter(axes.flat)
    for variant, ax in zip(variants, axes, strict=False):  # variants first: what is left of axes is hidden
        panel(ax, frames, variant)
    for ax in axes:
        ax.set_visible(False)
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. Thin lines: {caption.seeds(frames)}; thick: their mean. Every stage "
        "has the same width, and its loss is scaled to its own range; the numbers above are the first and the last "
        "mean. Dotted: test accuracy, from 0 to 100 %.",
        caption.origin(frames),
    )
    return fig


def panel(ax: Axes, frames: Frames, variant: str, with_accuracy: bool = True) -> None:
    """Draw the stages of a variant side by side, each as wide as 1 on the x axis."""
    loss = frames.loss[frames.loss.variant == variant]
    accuracy = frames.accuracy_curve[frames.accuracy_curve.variant == (variant if with_accuracy else None)]
    total = frames.cells.train_flops[frames.cells.variant == variant].max()
    edges = [*sorted(loss.groupby("stage_index").flops.min()), total]
    look, name = style.look(frames, variant), style.label(frames, variant)
    _panel(ax, name, look.color, *(_placed(frame, edges) for frame in (loss, accuracy)))
    ax.set(xlim=(0, len(edges) - 1), ylim=(-0.08, 1.08), xticks=[], yticks=[])


def _placed(frame: DataFrame, edges: list[float]) -> DataFrame:
    """Add x: the number of finished stages at each point, with fractions by FLOPs."""
    return frame.assign(x=np.interp(frame.flops, edges, range(len(edges))))


def _panel(ax: Axes, variant: str, color: str, loss: DataFrame, accuracy: DataFrame) -> None:
    for index, stage in loss.dropna(subset="loss").groupby("stage_index"):
        _stage(ax, stage, color)
        if index:
            ax.axvline(index, color=style.theme().muted, linewidth=1)
    if not accuracy.empty:
        line = over_seeds(accuracy, ["x"], "accuracy").sort_values("x")
        ax.plot(line.x, line["mean"], color=style.theme().text, linewidth=2.5, linestyle=style.DOTTED)
        x, last = line.x.iloc[-1], line["mean"].iloc[-1]
        place = {"xytext": (5, 0), "textcoords": "offset points", "va": "center"}
        ax.annotate(f"{100 * last:.1f} %", (x, last), fontsize=style.SMALL, **place)
    place = {"loc": "left", "pad": 33 + 2.5 * (_stage_size() - style.TINY)}
    ax.set_title(variant, fontsize=style.SMALL, fontweight="bold", color=style.ink(color), **place)


def _stage_size() -> float:
    """Font size of a stage's name and losses."""
    return style.SMALL if style.on_stage() else style.TINY


def _stage(ax: Axes, stage: DataFrame, color: str) -> None:
    low, high = stage.loss.quantile([0.01, 0.99])
    scaled = stage.assign(loss=((stage.loss - low) / max(high - low, 1e-12)).clip(-0.05, 1.05))
    for _, seed in scaled.groupby("repetition"):
        ax.plot(seed.x, seed.loss, color=color, linewidth=1, alpha=0.25)
    line = over_seeds(scaled, ["x"], "loss")
    ax.plot(line.x, line["mean"], color=color, linewidth=2.5, marker="o" if len(line) == 1 else None)
    means = over_seeds(stage, ["x"], "loss")["mean"]
    ends = " → ".join(f"{mean:.0f}" if abs(mean) >= 100 else f"{mean:.2g}" for mean in (means.iloc[0], means.iloc[-1]))
    place = {"xycoords": ("data", "axes fraction"), "xytext": (3, 5), "textcoords": "offset points"}
    text = f"{in_words(stage.stage.iloc[0])}\n{ends}"
    ax.annotate(text, (stage.stage_index.iloc[0], 1), **place, fontsize=_stage_size(), color=style.theme().muted)


def _finding(frames: Frames, variants: list[str]) -> str:
    """How many stages, each with a loss of its own, a variant is trained in."""
    stages = frames.loss.groupby("variant").stage_index.nunique()[variants]
    most = stages.idxmax()
    if stages[most] == 1:
        return say("Every variant is trained in one stage, with one loss")
    return say(
        "Most stages of training, each with a loss of its own: {n} ({most}); {single} of {total} variants have one",
        **{"most": style.label(frames, most), "n": stages[most], "single": int((stages == 1).sum())},
        total=len(stages),
    )
