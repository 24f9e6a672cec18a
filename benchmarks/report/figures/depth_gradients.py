"""Gradient norm of each layer at the start of supervised training, in the deepest networks of the depth study."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from benchmarks.report import caption
from benchmarks.report import estimates as stated
from benchmarks.report.figures import axes, style
from benchmarks.report.formats import number
from benchmarks.report.frames.chains import chains
from benchmarks.report.frames.depth import depth
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.intervals import half_width
from benchmarks.report.frames.parts import listed
from benchmarks.report.frames.rows import VANISHED
from benchmarks.report.languages import say

SHOWN = "series"


def draw(frames: Frames) -> Figure | None:
    """One line per series: norm against the layer's place, relative to the highest hidden layer."""
    table = depth(frames)
    if table.n_hidden_layers.nunique() < 2:
        return None
    deepest = int(table.n_hidden_layers.max())
    logs = _logs(frames, deepest)
    norms = {series: np.exp(values.mean(0)) for series, values in logs.items()}
    if not norms:
        return None
    fig = style.figure(_finding(frames, norms, deepest), estimates=_estimates(frames, logs))
    ax = fig.subplots()
    x, ends = np.arange(1, deepest + 1), []
    for series, values in norms.items():
        color, marker, dash = style.look(frames, series)
        ax.plot(x, values, color=color, marker=marker, linestyle=dash)
        ends.append((1, values[0], style.label(frames, series), color))
    ax.set_xlim(deepest + 0.3, 0.7)  # the lowest layer, which the gradient reaches last, at the right
    _axis(ax, deepest)
    axes.direct_labels(ax, ends)
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. Norm of the supervised loss's gradient at the start of supervised "
        f"training, relative to the highest hidden layer; geometric mean over {caption.seeds(frames)}.",
        caption.origin(frames),
    )
    return fig


def _logs(frames: Frames, deepest: int) -> dict[str, np.ndarray]:
    """Logarithms of the norms relative to the highest hidden layer, so that different losses share an axis.

    By series (seeds, layers), the lowest layer first.
    """
    seeds: dict[str, list[list[float]]] = {}
    for chain in chains(frames, "signals"):
        layers = listed(listed(chain.quality["signals"])[0].get("layers"))[:-1]
        measured = [layer.get("gradient_norm") for layer in layers]
        if chain.series and len(layers) == deepest and None not in measured:
            seeds.setdefault(chain.series, []).append(measured)
    logs = {series: np.log(np.maximum(values, VANISHED)) for series, values in seeds.items()}
    return {series: values - values[:, -1:] for series, values in logs.items()}


def _estimates(frames: Frames, logs: dict[str, np.ndarray]) -> list[str]:
    """The norms of the title: geometric means with t intervals on the logarithmic scale."""
    lowest = {series: values[:, 0] for series, values in logs.items()}
    ends = _ends({series: float(np.exp(values.mean())) for series, values in lowest.items()})
    return [
        stated.of_ratio(style.label(frames, series), *np.exp(_bounds(lowest[series])), len(lowest[series]))
        for series in dict.fromkeys(ends)
    ]


def _bounds(logs: np.ndarray) -> tuple[float, float, float]:
    """The mean, and both ends of its interval; these are missing for one seed."""
    mean = logs.mean()
    half = half_width(logs.std(ddof=1), len(logs)) if len(logs) > 1 else np.nan
    return mean, mean - half, mean + half


def _ends(lowest: dict[str, float]) -> tuple[str, str]:
    """The series whose gradient is weakest in the lowest layer, and that whose gradient is nearest to the highest's."""
    return min(lowest, key=lowest.get), min(lowest, key=lambda series: abs(np.log(lowest[series])))


def _axis(ax: Axes, deepest: int) -> None:
    ax.set(xlabel=say("hidden layer, counted from the input"), ylabel=say("gradient norm, highest layer = 1"))
    ax.set_yscale("log")
    low, high = np.floor(np.log10(ax.get_ylim()[0])), np.ceil(np.log10(ax.get_ylim()[1]))
    exponents = np.arange(low, high + 1, 2 if high - low > 4 else 1)
    ax.yaxis.set_major_locator(FixedLocator(10.0**exponents))
    ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _power(round(np.log10(value)))))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.set_xticks(np.arange(1, deepest + 1))


def _finding(frames: Frames, norms: dict[str, np.ndarray], deepest: int) -> str:
    lowest = {series: values[0] for series, values in norms.items()}
    weak, even = _ends(lowest)
    return say(
        "Gradient norm of the lowest of {layers} layers, highest layer = 1: {weak} {weak_norm}; {even} {even_norm}",
        **{"layers": deepest, "weak": style.label(frames, weak), "weak_norm": number(lowest[weak])},
        **{"even": style.label(frames, even), "even_norm": number(lowest[even])},
    )


def _power(exponent: int) -> str:
    """A power of ten, such as 10⁻⁴."""
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
