"""The way from noise to image: one strip a variant, all from the same noise."""

from __future__ import annotations

from matplotlib.figure import Figure
from numpy import ndarray

from benchmarks.report import caption, style
from benchmarks.report.axes import image_strip
from benchmarks.report.frames import Frames
from benchmarks.report.samples_file import arrays


def draw(frames: Frames) -> Figure | None:
    """A row a variant, a column a state."""
    cells = frames.cells.dropna(subset="samples_file").sort_values("repetition").groupby("variant").first()
    ways = {}
    for variant in frames.ordered(cells.index):
        kept = arrays(frames.folder / cells.samples_file[variant])
        if kept and "path" in kept:
            ways[variant] = kept["path"]
    if not ways:
        return None
    fig = style.figure()
    axes = fig.subplots(len(ways), max(map(len, ways.values())), squeeze=False)
    for row, (variant, states) in zip(axes, ways.items(), strict=True):
        _strip(row, states)
        row[0].set_ylabel(variant, rotation=0, ha="right", va="center", fontsize=style.SMALL)
    axes[0][0].set_title("noise", fontsize=15)
    seed = f"{cells.repetition[next(iter(ways))]:g}"
    style.note(
        fig,
        f"{cells.dataset.iloc[0]}: states of three chains of training seed {seed}, from the same noise in every row, "
        "cut at the ends of the grey scale; a column a network evaluation, the last one is the sample",
        caption.origin(frames),
    )
    return fig


def _strip(row: ndarray, states: ndarray) -> None:
    """One row of axes: noise at the left, the sample at the right end of what the chain is long."""
    for index, ax in enumerate(row):
        image_strip(ax, states[index] if index < len(states) else None)
