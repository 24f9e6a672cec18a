"""Both halves of the history: error against depth, and how far the loss reaches down at the start of training."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from pandas import DataFrame

from benchmarks.report import axes, caption, style
from benchmarks.report.chains import chains
from benchmarks.report.depth import depth
from benchmarks.report.frames import Frames
from benchmarks.report.rows import VANISHED


def draw(frames: Frames) -> Figure | None:
    """Left: test error against the number of hidden layers. Right: gradient norm by layer in the deepest networks."""
    table = depth(frames)
    if table.n_hidden_layers.nunique() < 2:
        return None
    fig = style.figure()
    left, right = fig.subplots(1, 2)
    _errors(left, table)
    _gradients(right, frames, table.n_hidden_layers.max())
    axes.legend(fig, list(dict.fromkeys(table.series)), columns=4)
    budget = f"{caption.number(table.train_flops.min())} to {caption.number(table.train_flops.max())} training FLOPs"
    style.note(
        fig,
        f"{frames.cells.dataset.iloc[0]}; {caption.spread(frames)}; {budget}, pre-training included; learning rate by "
        "validation error; right: gradient of the supervised loss at its start, geometric mean over seeds",
        caption.origin(frames),
    )
    return fig


def _errors(ax: Axes, table: DataFrame) -> None:
    for series, line in table.groupby("series", sort=False):
        line = line.sort_values("n_hidden_layers")
        axes.series(ax, line.n_hidden_layers, 100 * line.error, 100 * line.error_sd, series)
    ax.set(xlabel="hidden layers", ylabel="test error, %", title="Test error")
    ax.set_xticks(sorted(table.n_hidden_layers.unique()))
    ax.set_yscale("log")
    axes.plain_log(ax.yaxis, decades=4)


def _gradients(ax: Axes, frames: Frames, deepest: int) -> None:
    """Norms over the highest hidden layer's, so that losses of different size share an axis."""
    norms: dict[str, list[list[float]]] = {}
    for chain in chains(frames, "signals"):
        layers = chain.quality["signals"][0]["layers"][:-1]
        if chain.series and len(layers) == deepest:
            norms.setdefault(chain.series, []).append([layer["gradient_norm"] for layer in layers])
    for series, seeds in norms.items():
        logs = np.log(np.maximum(seeds, VANISHED))
        logs -= logs[:, -1:]
        color, marker, dash = style.look(series)
        x = np.arange(1, deepest + 1)
        ax.plot(x, np.exp(logs.mean(0)), color=color, marker=marker, linestyle=dash)
    ax.set(xlabel="hidden layer, from the input", ylabel="gradient norm, highest layer = 1")
    ax.set_title(f"Gradient at the start, {deepest:g} hidden layers")
    ax.set_yscale("log")
    exponents = np.arange(np.floor(np.log10(ax.get_ylim()[0])), np.ceil(np.log10(ax.get_ylim()[1])) + 1, 2)
    ax.yaxis.set_major_locator(FixedLocator(10.0**exponents))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"$10^{{{round(np.log10(value))}}}$"))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xticks(np.arange(1, deepest + 1))
