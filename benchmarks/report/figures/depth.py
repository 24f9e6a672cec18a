"""Test error against depth, and the gradient norm of each layer at the start of training."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.figures import axes, style
from benchmarks.report.formats import number
from benchmarks.report.frames.chains import chains
from benchmarks.report.frames.depth import depth
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.parts import listed
from benchmarks.report.frames.rows import VANISHED

SHOWN = "series"


def draw(frames: Frames) -> Figure | None:
    """Left: test error against the number of hidden layers. Right: gradient norm by layer in the deepest networks."""
    table = depth(frames)
    if table.n_hidden_layers.nunique() < 2:
        return None
    fig = style.figure()
    left, right = fig.subplots(1, 2)
    _errors(left, frames, table)
    _gradients(right, frames, table.n_hidden_layers.max())
    axes.legend(fig, frames, list(dict.fromkeys(table.series)), columns=4)
    budget = f"{number(table.train_flops.min())} to {number(table.train_flops.max())} training FLOPs"
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. {caption.spread(frames)} {budget}, pre-training included. Learning "
        "rates were chosen by validation error. Right: norm of the supervised loss's gradient at the start of "
        "supervised training, relative to the highest hidden layer, geometric mean over seeds.",
        caption.origin(frames),
    )
    return fig


def _errors(ax: Axes, frames: Frames, table: DataFrame) -> None:
    for series, line in table.groupby("series", sort=False):
        line = line.sort_values("n_hidden_layers")
        axes.series(ax, line.n_hidden_layers, 100 * line.error, 100 * line.error_sd, style.look(frames, series))
    ax.set(xlabel="hidden layers", ylabel="test error, % (lower is better)", title="Test error")
    ax.set_xticks(sorted(table.n_hidden_layers.unique()))
    ax.set_yscale("log")
    axes.plain_log(ax.yaxis, decades=4)


def _gradients(ax: Axes, frames: Frames, deepest: int) -> None:
    """Norms relative to the highest hidden layer, so that losses of different size share an axis."""
    norms: dict[str, list[list[float]]] = {}
    for chain in chains(frames, "signals"):
        layers = listed(listed(chain.quality["signals"])[0].get("layers"))[:-1]
        measured = [layer.get("gradient_norm") for layer in layers]
        if chain.series and len(layers) == deepest and None not in measured:
            norms.setdefault(chain.series, []).append(measured)
    for series, seeds in norms.items():
        logs = np.log(np.maximum(seeds, VANISHED))
        logs -= logs[:, -1:]
        color, marker, dash = style.look(frames, series)
        x = np.arange(1, deepest + 1)
        ax.plot(x, np.exp(logs.mean(0)), color=color, marker=marker, linestyle=dash)
    ax.set(xlabel="hidden layer, from the input", ylabel="gradient norm, highest layer = 1")
    ax.set_title(f"Gradient at the start, {deepest:g} hidden layers")
    ax.set_yscale("log")
    exponents = np.arange(np.floor(np.log10(ax.get_ylim()[0])), np.ceil(np.log10(ax.get_ylim()[1])) + 1, 2)
    ax.yaxis.set_major_locator(FixedLocator(10.0**exponents))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _power(round(np.log10(value)))))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xticks(np.arange(1, deepest + 1))


def _power(exponent: int) -> str:
    """A power of ten, such as 10⁻⁴."""
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
