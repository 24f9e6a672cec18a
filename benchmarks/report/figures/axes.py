"""Parts of axes that several figures share: lines with bands, the floor, direct labels, the legend, images."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from numpy import ndarray
from pandas import DataFrame, Series

from benchmarks.report.figures import style
from benchmarks.report.formats import DASH
from benchmarks.report.frames.frames import Frames

LINE_SPACING = 1.25
RATIO = "FID ratio (lower is better)"


def ratio_of(samples: DataFrame) -> tuple[str, str]:
    """(column, axis title) of the quality to draw: the FID ratio, or FID where no floor is known."""
    if samples.fid_ratio.notna().any():
        return "fid_ratio", RATIO
    return "fid", "FID (lower is better)"


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
    """Draw the line at ratio 1: as close to the held-out images as real training images are."""
    ax.axhline(1, color=style.GREY, linestyle=(0, (6, 3)), linewidth=2, zorder=1)
    ax.annotate(
        "real training images",
        (0.01, 1),
        xycoords=("axes fraction", "data"),
        xytext=(0, 4),
        textcoords="offset points",
        color=style.GREY,
        fontsize=style.SMALL,
    )


def direct_labels(ax: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Write each (x, y, name, color) right of the axes at the height of its end, without overlap.

    Call it when the y axis has its scale and data.
    """
    height = ax.figure.get_figheight() * 0.72 * 72  # points; the rest is for the labels below
    gap = style.SMALL * LINE_SPACING / height
    to_axes = ax.transData + ax.transAxes.inverted()
    ax.set_ylim(ax.get_ylim())
    ends = sorted(ends, key=lambda end: end[1])
    heights = spread([to_axes.transform((x, y))[1] for x, y, *_ in ends], gap)
    for (x, y, name, color), at in zip(ends, heights, strict=True):
        ax.annotate(
            name,
            (x, y),
            xytext=(1.03, at),
            textcoords="axes fraction",
            va="center",
            fontsize=style.SMALL,
            color=style.ink(color),
            fontweight="bold",
            arrowprops={"arrowstyle": "-", "color": color, "relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 8},
        )


def spread(heights: list[float], gap: float) -> list[float]:
    """Sorted heights, moved as little as needed for a distance of at least `gap` between neighbours."""
    groups: list[list[float]] = []
    for height in heights:
        groups.append([height])
        while len(groups) > 1 and _low(groups[-1], gap) - _high(groups[-2], gap) < gap:
            last = groups.pop()
            groups[-1] += last
    return [_low(group, gap) + gap * index for group in groups for index in range(len(group))]


def _low(group: list[float], gap: float) -> float:
    return sum(group) / len(group) - gap * (len(group) - 1) / 2


def _high(group: list[float], gap: float) -> float:
    return _low(group, gap) + gap * (len(group) - 1)


def legend(fig: Figure, frames: Frames, names: list[str], columns: int = 5) -> None:
    """Draw one legend above all axes. names: of variants or series. columns: fewer for longer names."""
    handles = []
    for name in names:
        color, marker, dash = style.look(frames, name)
        handles.append(Line2D([], [], color=color, marker=marker, linestyle=dash, label=style.label(frames, name)))
    fig.legend(
        handles=handles,
        loc="outside upper center",
        ncols=min(len(handles), columns),
        fontsize=style.SMALL,
        frameon=False,
        handlelength=2.4,
    )


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
    """(C, H, W) -> (H + gap, W + gap, 3) with a white gap at the right and below."""
    rgb = np.repeat(image, 3, axis=0) if len(image) == 1 else image
    gap = max(1, image.shape[-1] // 16)
    return np.pad(rgb.transpose(1, 2, 0), ((0, gap), (0, gap), (0, 0)), constant_values=255)
