"""Test error against depth: what pre-training was needed for, and what replaced it."""

from __future__ import annotations

from matplotlib.figure import Figure
from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.figures import axes, style
from benchmarks.report.formats import number, percent
from benchmarks.report.frames.depth import depth
from benchmarks.report.frames.frames import Frames
from benchmarks.report.languages import say

SHOWN = "series"


def draw(frames: Frames) -> Figure | None:
    """One line per series: test error against the number of hidden layers."""
    table = depth(frames)
    if table.n_hidden_layers.nunique() < 2:
        return None
    fig = style.figure(_finding(frames, table))
    ax = fig.subplots()
    ends = []
    for series, line in table.groupby("series", sort=False):
        line = line.sort_values("n_hidden_layers")
        look = style.look(frames, series)
        axes.series(ax, line.n_hidden_layers, 100 * line.error, 100 * line.error_sd, look)
        ends.append((line.n_hidden_layers.iloc[-1], 100 * line.error.iloc[-1], style.label(frames, series), look.color))
    ax.set(xlabel=say("hidden layers"), ylabel=say("test error, % (lower is better)"))
    ax.set_xticks(sorted(table.n_hidden_layers.unique()))
    ax.set_yscale("log")
    axes.plain_log(ax.yaxis, decades=4)
    axes.direct_labels(ax, ends)
    budget = f"{number(table.train_flops.min())} to {number(table.train_flops.max())} training FLOPs"
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. {caption.spread(frames)} {budget}, pre-training included. Learning "
        "rates were chosen by validation error.",
        caption.origin(frames),
    )
    return fig


def _finding(frames: Frames, table: DataFrame) -> str:
    deepest = table[table.n_hidden_layers == table.n_hidden_layers.max()].sort_values("error")
    best, worst = deepest.iloc[0], deepest.iloc[-1]
    return say(
        "With {layers} hidden layers the test error is {low} for {best} and {high} for {worst}",
        **{"layers": f"{best.n_hidden_layers:g}", "low": percent(best.error, 2), "high": percent(worst.error, 2)},
        **{"best": style.label(frames, best.series), "worst": style.label(frames, worst.series)},
    )
