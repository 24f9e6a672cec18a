"""Costs of training and sampling: throughput and peak memory."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import Series

from benchmarks.report import caption
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import plain_log
from benchmarks.report.formats import number
from benchmarks.report.frames.frames import Frames
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import balanced

USUAL_NFE = 4
NAME_WIDTH = 36  # letters of a line of a variant's name
COSTS = ["train_images_per_second", "peak_train_bytes"]


def draw(frames: Frames) -> Figure | None:
    """Bars of images per second (higher is better) and of peak MiB (lower is better), for training and for sampling."""
    cells = frames.cells[(frames.cells.kind == "timing") & (frames.cells.status == "done")]
    if cells.empty:
        return None
    alone = cells.groupby("variant").exclusive.all()
    dataset, cells = cells.dataset.iloc[0], cells.groupby("variant")[COSTS].mean()
    primary = frames.timing[frames.timing.primary.eq(True)]
    nfe = _shared_nfe(primary.nfe)
    at = primary[primary.nfe == nfe].groupby("variant")[["sample_images_per_second", "peak_sample_bytes"]].mean()
    panels = [
        (say("training, images / s (higher is better)"), cells.train_images_per_second),
        (say("training, peak MiB (lower is better)"), cells.peak_train_bytes / 2**20),
        (
            say("sampling, {nfe} NFE, images / s (higher is better)", nfe=f"{nfe:g}"),
            at.sample_images_per_second,
        ),
        (
            say("sampling, {nfe} NFE, peak MiB (lower is better)", nfe=f"{nfe:g}"),
            at.peak_sample_bytes / 2**20,
        ),
    ]
    variants = frames.ordered(cells.index)[::-1]
    fig = style.figure(_finding(frames, cells.train_images_per_second))
    axes = fig.subplots(2, 2, sharey=True).flat
    for ax, (title, values) in zip(axes, panels, strict=True):
        _bars(ax, frames, title, values.reindex(variants), shared=alone.reindex(variants).ne(True))
    style.note(
        fig,
        f"Data: {dataset}. Bars: mean over timing launches of the medians within a launch. {caption.timing(frames)} "
        "Hatched: measured on a shared computer. All axes are logarithmic. Memory: additionally allocated by one "
        "update, or by sampling one batch. -: not measured. " + caption.absent(frames, variants, "no timing cell"),
        caption.origin(frames),
    )
    return fig


def _bars(ax: Axes, frames: Frames, title: str, values: Series, shared: Series) -> None:
    # Log axes: recognisers and generators differ by a factor of 100, so linear bars of the slower ones would vanish.
    start = 10.0 ** math.floor(math.log10(values[values > 0].min() / 2)) if (values > 0).any() else 1.0
    ends = values.fillna(start)
    colors = [style.look(frames, variant).color for variant in values.index]
    hatches = ["//" if hatched else "" for hatched in shared]
    ax.barh(range(len(values)), ends, color=colors, hatch=hatches, height=0.72)
    place = {"xytext": (5, 0), "textcoords": "offset points", "va": "center_baseline", "fontsize": style.SMALL}
    for row, (value, end) in enumerate(zip(values, ends, strict=True)):
        ax.annotate(number(value), (end, row), **place)
    ax.set_xscale("log")
    ax.set_xlim(start, start * max(ends.max() / start, 2) ** 1.25)  # room for the longest bar's number
    plain_log(ax.xaxis, decades=0, write="{:,g}".format)
    ax.tick_params(axis="x", labelsize=style.TINY)
    labels = ["\n".join(balanced(style.label(frames, variant), NAME_WIDTH)) for variant in values.index]
    ax.set_yticks(range(len(values)), labels, fontsize=style.SMALL, linespacing=1.0)
    ax.set_title(title, fontsize=style.SMALL)
    ax.grid(False, axis="y")
    ax.spines[["top", "right", "bottom"]].set_visible(False)


def _shared_nfe(nfe: Series) -> float:
    """The NFE at which most variants are timed; of several such the one nearest to USUAL_NFE."""
    counts = nfe.value_counts()
    most = counts[counts == counts.max()].index
    return min(most, key=lambda n: (abs(n - USUAL_NFE), n), default=USUAL_NFE)


def _finding(frames: Frames, speeds: Series) -> str:
    """The fastest and the slowest of the generators, or of all variants where there is at most one generator."""
    generators = speeds[speeds.index.isin(set(frames.timing.variant))].dropna()
    found = generators if len(generators) > 1 else speeds.dropna()
    if len(found) < 2:
        return say("What training and sampling cost")
    return say(
        "Images per second in training: {fast} {fast_speed}; {slow} {slow_speed}, {factor} times fewer",
        **{"fast": style.label(frames, found.idxmax()), "fast_speed": number(found.max())},
        **{"slow": style.label(frames, found.idxmin()), "slow_speed": number(found.min())},
        factor=number(found.max() / found.min()),
    )
