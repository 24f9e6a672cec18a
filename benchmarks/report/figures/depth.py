"""Test error against depth: what pre-training was needed for, and what replaced it."""

from __future__ import annotations

from matplotlib.figure import Figure
from pandas import DataFrame, Series

from benchmarks.report import caption
from benchmarks.report import estimates as stated
from benchmarks.report.figures import axes, style
from benchmarks.report.formats import number, percent
from benchmarks.report.frames.depth import depth
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.intervals import half_width
from benchmarks.report.languages import say

SHOWN = "series"


def draw(frames: Frames) -> Figure | None:
    """One line per series: test error against the number of hidden layers."""
    table = depth(frames)
    if table.n_hidden_layers.nunique() < 2:
        return None
    fig = style.figure(_finding(frames, table), estimates=_estimates(frames, table))
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


def _estimates(frames: Frames, table: DataFrame) -> list[str]:
    """The test errors of the title."""
    return [
        stated.of_mean(
            *(style.label(frames, row.series), row.error, half_width(row.error_sd, row.n_seeds), row.n_seeds),
            stated.shares(2),
        )
        for row in _ends(table)
    ]


def _ends(table: DataFrame) -> tuple[Series, Series]:
    """The rows of the deepest networks with the lowest and with the highest error."""
    deepest = table[table.n_hidden_layers == table.n_hidden_layers.max()].sort_values("error")
    return deepest.iloc[0], deepest.iloc[-1]


def _finding(frames: Frames, table: DataFrame) -> str:
    best, worst = _ends(table)
    return say(
        "With {layers} hidden layers the test error is {low} for {best} and {high} for {worst}",
        **{"layers": f"{best.n_hidden_layers:g}", "low": percent(best.error, 2), "high": percent(worst.error, 2)},
        **{"best": style.label(frames, best.series), "worst": style.label(frames, worst.series)},
    )
