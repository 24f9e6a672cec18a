"""Train/inference mismatch: distance of a chain's states at inference from the states that training feeds each link."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.figures import axes, style
from benchmarks.report.frames.chains import chains
from benchmarks.report.frames.frames import Frames, over_seeds

PANELS = {
    "cumulative_error": "accumulated error (lower is better)",
    "modular_error": "error of single links (lower is better)",
    "two_sample_accuracy": "two-sample classifier (50 % is best)",
}


def draw(frames: Frames) -> Figure | None:
    """x: from noise (0) to the sample (1). Panels: accumulated error, error of single links, two-sample classifier."""
    steps = DataFrame(
        {"variant": chain.variant, "x": step["step"] / len(chain.quality["mismatch"]["steps"][1:]), **step}
        for chain in chains(frames, "mismatch")
        for step in chain.quality["mismatch"].get("steps") or []
    )
    if steps.empty:
        return None
    fig = style.figure()
    for ax, (column, title) in zip(fig.subplots(1, 3), PANELS.items(), strict=True):
        _panel(ax, frames, steps, column, title, steps.floor.abs().median())
    axes.legend(fig, frames, frames.ordered(steps.variant))
    counts = {chain.variant: chain.quality["mismatch"]["nfe"] for chain in chains(frames, "mismatch")}
    lengths = ", ".join(f"{name} {counts[name]}" for name in frames.ordered(steps.variant))
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. {caption.spread(frames)} Left and middle: unbiased energy distance "
        "between the chain's states and the states that training feeds the next link (left: states of the whole chain "
        "from noise; middle: after one link that starts from training's states). Units differ between chains, so "
        "compare shapes, not heights. Grey: distance between two sets of such training states. Right: accuracy of a "
        f"classifier that separates both kinds of states. Links of the chain: {lengths}.",
        caption.origin(frames),
    )
    return fig


def _panel(ax: Axes, frames: Frames, steps: DataFrame, column: str, title: str, floor: float) -> None:
    table = over_seeds(steps.assign(value=pd.to_numeric(steps[column])), ["variant", "x"], "value")
    table = table.dropna(subset="mean").sort_values("x")
    for variant, line in table.groupby("variant"):
        # A distance within its noise may be zero or below, which a log axis cannot show, so it is drawn at the bottom.
        low = line["mean"].clip(lower=floor / 4) if column != "two_sample_accuracy" else line["mean"]
        axes.series(ax, line.x, low, line.sd, style.look(frames, variant))
    ax.set_title(title, fontsize=style.SMALL)
    ax.set(xlim=(-0.03, 1.03), xticks=[0, 0.5, 1])
    ax.set_xticklabels(["noise", "", "sample"], fontsize=style.SMALL)
    ax.tick_params(axis="y", labelsize=style.SMALL)
    if column == "two_sample_accuracy":
        ax.set_ylim(0.45, 1.02)
        ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.axhline(0.5, color=style.GREY, linewidth=2, linestyle=style.DASHED)
    else:
        ax.set_yscale("log")
        axes.plain_log(ax.yaxis, decades=2)
        ax.axhspan(0, floor, color="#ececec", zorder=0)
