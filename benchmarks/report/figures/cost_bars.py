"""What training and sampling cost: throughput and peak memory, side by side."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import Series

from benchmarks.report import caption, style
from benchmarks.report.axes import plain_log
from benchmarks.report.frames import Frames

USUAL_NFE = 4
COSTS = ["train_images_per_second", "peak_train_bytes"]


def draw(frames: Frames) -> Figure | None:
    """Bars of images per second and of peak MiB, for an update and for sampling at one NFE."""
    cells = frames.cells[(frames.cells.kind == "timing") & (frames.cells.status == "done")]
    if cells.empty:
        return None
    alone = cells.groupby("variant").exclusive.all()
    dataset, cells = cells.dataset.iloc[0], cells.groupby("variant")[COSTS].mean()
    primary = frames.timing[frames.timing.primary.eq(True)]
    nfe = _shared_nfe(primary.nfe)
    at = primary[primary.nfe == nfe].groupby("variant")[["sample_images_per_second", "peak_sample_bytes"]].mean()
    panels = [
        ("training, images / s", cells.train_images_per_second),
        ("training, peak MiB", cells.peak_train_bytes / 2**20),
        (f"sampling at {nfe:g} NFE, images / s", at.sample_images_per_second),
        (f"sampling at {nfe:g} NFE, peak MiB", at.peak_sample_bytes / 2**20),
    ]
    variants = frames.ordered(cells.index)[::-1]
    fig = style.figure()
    axes = fig.subplots(2, 2, sharey=True).flat
    for ax, (title, values) in zip(axes, panels, strict=True):
        _bars(ax, title, values.reindex(variants), shared=alone.reindex(variants).ne(True))
    style.note(
        fig,
        f"{dataset}: medians of a timing cell each, mean over its launches; {caption.timing(frames)}; "
        "hatched: shared; log axes; memory: allocated on top by an update or a batch; -: none",
        caption.origin(frames),
    )
    return fig


def _bars(ax: Axes, title: str, values: Series, shared: Series) -> None:
    # Log axes: recognisers and generators lie a hundredfold apart, and linear bars of the slower ones vanish.
    start = 10.0 ** math.floor(math.log10(values[values > 0].min() / 2)) if (values > 0).any() else 1.0
    ends = values.fillna(start)
    colors = [style.look(variant).color for variant in values.index]
    hatches = ["//" if hatched else "" for hatched in shared]
    ax.barh(range(len(values)), ends, color=colors, hatch=hatches, height=0.72)
    place = {"xytext": (5, 0), "textcoords": "offset points", "va": "center_baseline", "fontsize": style.SMALL}
    for row, (value, end) in enumerate(zip(values, ends, strict=True)):
        ax.annotate(caption.number(value), (end, row), **place)
    ax.set_xscale("log")
    ax.set_xlim(start, start * max(ends.max() / start, 2) ** 1.25)  # room for the longest bar's number
    plain_log(ax.xaxis, decades=0, write="{:,g}".format)
    ax.tick_params(axis="x", labelsize=style.TINY)
    ax.set_yticks(range(len(values)), values.index, fontsize=style.SMALL)
    ax.set_title(title)
    ax.grid(False, axis="y")
    ax.spines[["top", "right", "bottom"]].set_visible(False)


def _shared_nfe(nfe: Series) -> float:
    """The NFE that most variants have, and of several such the one nearest to the usual few-step count."""
    counts = nfe.value_counts()
    most = counts[counts == counts.max()].index
    return min(most, key=lambda n: (abs(n - USUAL_NFE), n), default=USUAL_NFE)
