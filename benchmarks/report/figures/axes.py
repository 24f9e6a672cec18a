"""Parts of axes that several figures share: lines with bands, the floor, direct labels, the legend, images."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy import ndarray
from pandas import DataFrame, Series

from benchmarks.report.figures import style
from benchmarks.report.formats import DASH
from benchmarks.report.frames.frames import Frames
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import balanced

LINE_SPACING = 1.3
LABEL_WIDTH = 26  # letters of a line of a label beside the axes
ROOM = 0.09  # of the height, below the line at ratio 1, for its words


def ratio_of(samples: DataFrame) -> tuple[str, str]:
    """(column, axis title) of the quality to draw: the FID ratio, or FID where no floor is known."""
    if samples.fid_ratio.notna().any():
        return "fid_ratio", ratio_title()
    return "fid", say("FID (lower is better)")


def ratio_title() -> str:
    """The title of an axis of FID ratios."""
    return say("FID ratio (lower is better)")


def series(ax: Axes, x: Series, mean: Series, sd: Series, look: style.LineStyle) -> None:
    """A line in its look, with a band of one standard deviation on either side."""
    color, marker, dash = look
    ax.plot(x, mean, color=color, marker=marker, linestyle=dash, zorder=3)
    # On a log axis a band that reaches zero would pull the limits down, so it ends far below the mean instead.
    low, high = np.maximum(mean - sd, mean / 20), mean + sd
    if sd.notna().any():
        ax.fill_between(x, low, high, color=color, alpha=0.2, linewidth=0, zorder=1)


def ratio_axis(ax: Axes, title: str) -> None:
    """Make the y axis logarithmic, with plain numbers."""
    ax.set_yscale("log")
    ax.set_ylabel(title)
    plain_log(ax.yaxis, decades=4)


def plain_log(axis: Axis, decades: float, write: Callable[[float], str] = "{:g}".format) -> None:
    """Ticks of a log axis at 1, 2 and 5, but at 1 alone where it spans more than `decades`. Call it after plotting."""
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < low * 10**decades else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axis.set_minor_formatter(NullFormatter())


def floor_line(ax: Axes) -> None:
    """Draw the line at ratio 1: as close to the held-out images as real training images are. Call it after plotting.

    Its words stand below it, where no good sampler is.
    """
    ax.axhline(1, color=style.theme().muted, linestyle=(0, (6, 3)), linewidth=2, zorder=1)
    low, high = ax.get_ylim()
    ax.set_ylim(bottom=min(low, max(high, 2) ** (-ROOM / (1 - ROOM))))
    ax.annotate(
        say("real training images = 1"),
        (0.01, 1),
        xycoords=("axes fraction", "data"),
        xytext=(0, -4),
        textcoords="offset points",
        verticalalignment="top",
        color=style.theme().muted,
        fontsize=style.SMALL,
        bbox={"facecolor": style.theme().paper, "edgecolor": "none", "alpha": 0.7, "pad": 0},
    )


def direct_labels(ax: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Write each (x, y, name, color) right of the axes at the height of its end, without overlap.

    Call it when the y axis has its scale and data.
    """
    height = ax.figure.get_figheight() * style.top(ax.figure) * 0.76 * 72  # points; the rest is below the axes
    line = style.SMALL * LINE_SPACING / height
    to_axes = ax.transData + ax.transAxes.inverted()
    ax.set_ylim(ax.get_ylim())
    ends = sorted(ends, key=lambda end: end[1])
    names = [balanced(name, LABEL_WIDTH) for _, _, name, _ in ends]
    places = [to_axes.transform((x, y))[1] for x, y, *_ in ends]
    # Labels below the axes would send their lines through the ticks.
    heights = spread(places, [line * len(lines) for lines in names], least=-line / 2)
    for (x, y, _, color), lines, at in zip(ends, names, heights, strict=True):
        ax.annotate(
            "\n".join(lines),
            (x, y),
            xytext=(1.03, at),
            textcoords="axes fraction",
            va="center",
            fontsize=style.SMALL,
            color=style.ink(color),
            fontweight="bold",
            arrowprops={"arrowstyle": "-", "color": color, "relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 8},
            linespacing=1.05,
        )


def spread(heights: list[float], sizes: list[float], least: float = -math.inf) -> list[float]:
    """Centres of labels of these sizes, moved from their sorted `heights` as little as needed not to overlap.

    least: height that no label reaches below.
    """
    groups: list[list[tuple[float, float]]] = []
    for label in zip(heights, sizes, strict=True):
        groups.append([label])
        while len(groups) > 1 and _low(groups[-1], least) < _low(groups[-2], least) + _size(groups[-2]):
            last = groups.pop()
            groups[-1] += last
    placed = []
    for group in groups:
        low = _low(group, least)
        for _, size in group:
            placed.append(low + size / 2)
            low += size
    return placed


def _size(group: list[tuple[float, float]]) -> float:
    return sum(size for _, size in group)


def _low(group: list[tuple[float, float]], least: float) -> float:
    """The lower end of labels that touch each other, with the mean of their heights in their middle where they can."""
    return max(least, sum(height for height, _ in group) / len(group) - _size(group) / 2)


def legend(fig: Figure, frames: Frames, names: list[str], columns: int = 4) -> None:
    """Draw one legend above all axes. names: of variants or series. columns: fewer for longer names."""
    handles = []
    for name in names:
        color, marker, dash = style.look(frames, name)
        shown = "\n".join(balanced(style.label(frames, name), LABEL_WIDTH))
        handles.append(Line2D([], [], color=color, marker=marker, linestyle=dash, label=shown))
    drawn = fig.legend(
        handles=handles,
        loc="upper center",
        bbox_to_anchor=(0.5, style.top(fig)),
        ncols=min(len(handles), columns),
        fontsize=style.SMALL,
        frameon=False,
        handlelength=2.4,
    )
    # The layout makes room for a legend or for a title, not for one below the other.
    drawn.set_in_layout(False)
    height = drawn.get_window_extent(FigureCanvasAgg(fig).get_renderer()).height / fig.bbox.height
    fig.get_layout_engine().set(rect=(0, 0, 1, style.top(fig) - height))


def image_strip(ax: Axes, images: ndarray | None, columns: int | None = None) -> None:
    """Draw images side by side, without axes; a dash where there are none.

    images: (N, C, H, W), uint8. columns: images per line; only whole lines are drawn. None for one line of all.
    """
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)
    ax.grid(False)
    if images is None:
        ax.text(0.5, 0.5, DASH, transform=ax.transAxes, ha="center", va="center")
        return
    columns = min(columns or len(images), len(images))
    starts = range(0, len(images) - columns + 1, columns)
    strips = [np.concatenate([_padded(image) for image in images[i : i + columns]], axis=1) for i in starts]
    ax.imshow(np.concatenate(strips), cmap="gray", vmin=0, vmax=255, interpolation="nearest")


def _padded(image: ndarray) -> ndarray:
    """(C, H, W) -> (H + gap, W + gap, 3) with a gap of the paper's colour at the right and below."""
    rgb = np.repeat(image, 3, axis=0) if len(image) == 1 else image
    gap = max(1, image.shape[-1] // 16)
    height, width = image.shape[1:]
    padded = np.full((height + gap, width + gap, 3), 255 * np.array(to_rgb(style.theme().paper)), dtype=np.uint8)
    padded[:height, :width] = rgb.transpose(1, 2, 0)
    return padded
