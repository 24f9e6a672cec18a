"""Train/inference mismatch: distance of a chain's states at inference from the states that training feeds each link."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.figures import axes, style
from benchmarks.report.frames.chains import Chain, chains
from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.frames.parts import listed

PANELS = {
    "cumulative_error": "accumulated error (lower is better)",
    "modular_error": "error of single links (lower is better)",
    "two_sample_accuracy": "two-sample classifier (50 % is best)",
}


def draw(frames: Frames) -> Figure | None:
    """x: from noise (0) to the sample (1). Panels: accumulated error, error of single links, two-sample classifier."""
    steps = DataFrame(
        [row for chain in chains(frames, "mismatch") for row in _steps(chain)],
        columns=["variant", "n_links", "x", "floor", *PANELS],
    )
    if steps[[*PANELS]].isna().all(axis=None):
        return None
    fig = style.figure()
    for ax, (column, title) in zip(fig.subplots(1, 3), PANELS.items(), strict=True):
        _panel(ax, frames, steps, column, title, pd.to_numeric(steps.floor).abs().median())
    axes.legend(fig, frames, frames.ordered(steps.variant))
    counts = steps.groupby("variant").n_links.max()
    lengths = ", ".join(f"{name} {counts[name]}" for name in frames.ordered(steps.variant))
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. {caption.spread(frames)} Left and middle: unbiased energy distance "
        "between the chain's states and the states that training feeds the next link (left: states of the whole chain "
        "from noise; middle: after one link that starts from training's states). Units differ between chains, so "
        "compare shapes, not heights. Grey: distance between two sets of such training states. Right: accuracy of a "
        f"classifier that separates both kinds of states. Links of the chain: {lengths}. "
        + caption.absent(frames, set(steps.variant), "no mismatch diagnosis"),
        caption.origin(frames),
    )
    return fig


def _steps(chain: Chain) -> Iterator[dict]:
    """The states of a chain, the first being noise; a failed diagnosis has none."""
    steps = listed(chain.quality["mismatch"].get("steps"))
    n_links = len(steps) - 1
    for index, step in enumerate(steps if n_links > 0 else []):
        place = index if step.get("step") is None else step["step"]
        yield {"floor": None, **step, "variant": chain.variant, "n_links": n_links, "x": place / n_links}


def _panel(ax: Axes, frames: Frames, steps: DataFrame, column: str, title: str, floor: float) -> None:
    table = over_seeds(steps.assign(value=pd.to_numeric(steps[column])), ["variant", "x"], "value")
    table = table.dropna(subset="mean").sort_values("x")
    floor = floor if floor > 0 else table["mean"].abs().min() or 1e-6  # unknown in a diagnosis without one
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
        # Further down there is nothing but noise, and bands that reach zero would stretch the axis.
        ax.set_ylim(bottom=floor / 8)
        ax.axhspan(floor / 100, floor, color="#ececec", zorder=0)
