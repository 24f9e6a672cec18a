"""Train/inference mismatch: error that a chain accumulates at inference, beside the error of its single links."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from pandas import DataFrame, Series

from benchmarks.report import caption
from benchmarks.report import estimates as stated
from benchmarks.report.figures import axes, style
from benchmarks.report.formats import number, percent
from benchmarks.report.frames.chains import Chain, chains
from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.frames.parts import listed
from benchmarks.report.languages import say

WHOLE, LINK, SEPARATED = "cumulative_error", "modular_error", "two_sample_accuracy"


def draw(frames: Frames) -> Figure | None:
    """x: from noise (0) to the sample (1). Thick: error of the whole chain's states. Dotted: error of single links."""
    steps = _states(frames)
    if steps[[WHOLE, LINK, SEPARATED]].isna().all(axis=None):
        return None
    titled = _amplifications(frames, steps)
    fig = style.figure(_finding(frames, titled), estimates=_estimates(frames, titled))
    _panel(fig.subplots(), frames, steps)
    counts = steps.groupby("variant").n_links.max()
    names = frames.ordered(steps.variant)
    separated = steps[steps.x == 1].groupby("variant")[SEPARATED].apply(lambda values: pd.to_numeric(values).mean())
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. {caption.spread(frames)} Unbiased energy distance between the chain's "
        "states and the states that training feeds the next link; thick: states of the whole chain from noise; dotted: "
        "after one link that starts from training's states. Units differ between chains, so compare shapes, not "
        "heights. Grey: distance between two sets of such training states. A classifier of both kinds of final states "
        "is right in "
        + ", ".join(f"{percent(separated[name], 0)} ({style.label(frames, name)})" for name in names)
        + " of cases; 50 % is best. Links: "
        + ", ".join(f"{counts[name]} ({style.label(frames, name)})" for name in names)
        + f". {caption.absent(frames, set(steps.variant), 'no mismatch diagnosis')}",
        caption.origin(frames),
    )
    return fig


def _states(frames: Frames) -> DataFrame:
    """One row per state of every diagnosed chain."""
    return DataFrame(
        [row for chain in chains(frames, "mismatch") for row in _steps(chain)],
        columns=["variant", "n_links", "x", "floor", WHOLE, LINK, SEPARATED],
    )


def _steps(chain: Chain) -> Iterator[dict]:
    """The states of a chain, the first being noise; a failed diagnosis has none."""
    steps = listed(chain.quality["mismatch"].get("steps"))
    n_links = len(steps) - 1
    for index, step in enumerate(steps if n_links > 0 else []):
        place = index if step.get("step") is None else step["step"]
        yield {"floor": None, **step, "variant": chain.variant, "n_links": n_links, "x": place / n_links}


def _panel(ax: Axes, frames: Frames, steps: DataFrame) -> None:
    floor = pd.to_numeric(steps.floor).abs().median()
    whole, link = (_means(steps, column) for column in (WHOLE, LINK))
    floor = floor if floor > 0 else whole["mean"].abs().min() or 1e-6  # unknown in a diagnosis without one
    ends = []
    for variant, line in whole.groupby("variant"):
        # A distance within its noise may be zero or below, which a log axis cannot show, so it is drawn at the bottom.
        line = line.assign(mean=line["mean"].clip(lower=floor / 8))
        look = style.look(frames, variant)
        axes.series(ax, line.x, line["mean"], line.sd, look)
        ends.append((line.x.iloc[-1], line["mean"].iloc[-1], style.label(frames, variant), look.color))
        single = link[link.variant == variant]
        ax.plot(single.x, single["mean"].clip(lower=floor / 8), color=look.color, linestyle=style.DOTTED, linewidth=2)
    ax.set(xlim=(-0.03, 1.03), xticks=[0, 0.5, 1])
    ax.set_xticklabels([say("noise"), say("half of the chain"), say("sample")])
    ax.get_xticklabels()[-1].set_horizontalalignment("right")  # labels of lines begin beyond it
    ax.set_ylabel(say("distance from training's states\n(lower is better)"))
    ax.set_yscale("log")
    axes.plain_log(ax.yaxis, decades=2)
    ax.set_ylim(bottom=floor / 12)  # further down there is nothing but noise, and bands that reach zero
    ax.axhspan(floor / 100, floor, color=style.theme().floor, zorder=0)
    axes.direct_labels(ax, ends)
    kinds = [("-", say("whole chain from noise")), (style.DOTTED, say("one link from training's states"))]
    lines = [Line2D([], [], color=style.theme().muted, linestyle=dash, label=label) for dash, label in kinds]
    ax.legend(handles=lines, fontsize=style.SMALL, frameon=False, loc="upper right")


def _means(steps: DataFrame, column: str) -> DataFrame:
    table = over_seeds(steps.assign(value=pd.to_numeric(steps[column])), ["variant", "x"], "value")
    return table.dropna(subset="mean").sort_values("x")


def _estimates(frames: Frames, seeds: Series) -> list[str]:
    """The amplifications of the title."""
    return [stated.of_values(style.label(frames, name), seeds[[name]]) for name in _in_title(seeds).index]


def _amplifications(frames: Frames, steps: DataFrame) -> Series:
    """Accumulated error over that of single links, one value per seed, by variant."""
    cells = frames.cells[frames.cells.variant.isin(set(steps.variant)) & frames.cells.kind.eq("quality")]
    return cells.set_index("variant").mismatch_amplification


def _in_title(seeds: Series) -> Series:
    """The largest and the smallest amplification that can be told from noise."""
    means = seeds.groupby("variant").agg(lambda values: values.mean(skipna=False)).dropna()
    positive = means[means > 0].sort_values(ascending=False, kind="stable")
    return positive.iloc[[0, -1]] if len(positive) > 1 else positive


def _finding(frames: Frames, seeds: Series) -> str:
    ends = _in_title(seeds)
    if ends.empty:
        return say("Error along the chain at inference")
    values = {"most": style.label(frames, ends.index[0]), "high": number(ends.iloc[0])}
    if len(ends) == 1:
        return say("The chain of {most} accumulates {high} times the error of its single links", **values)
    return say(
        "The chain of {most} accumulates {high} times the error of its single links, that of {least} {low} times",
        **{"least": style.label(frames, ends.index[-1]), "low": number(ends.iloc[-1]), **values},
    )
