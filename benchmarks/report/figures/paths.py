"""Sampling trajectories from noise to image, one row per variant, all from the same noise."""

from __future__ import annotations

from matplotlib.figure import Figure
from numpy import ndarray

from benchmarks.report import caption
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import image_strip
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.samples_file import arrays


def draw(frames: Frames) -> Figure | None:
    """One row per variant, one column per state."""
    cells = frames.cells.dropna(subset="samples_file").sort_values("repetition").groupby("variant").first()
    trajectories = {}
    for variant in frames.ordered(cells.index):
        kept = arrays(frames.folder / cells.samples_file[variant])
        if kept and "path" in kept:
            trajectories[variant] = kept["path"]
    if not trajectories:
        return None
    fig = style.figure()
    axes = fig.subplots(len(trajectories), max(map(len, trajectories.values())), squeeze=False)
    for row, (variant, states) in zip(axes, trajectories.items(), strict=True):
        _strip(row, states)
        row[0].set_ylabel(style.label(frames, variant), rotation=0, ha="right", va="center", fontsize=style.SMALL)
    axes[0][0].set_title("noise", fontsize=15)
    seed = f"{cells.repetition[next(iter(trajectories))]:g}"
    style.note(
        fig,
        f"Data: {cells.dataset.iloc[0]}. States of three chains of training seed {seed}, from the same noise in every "
        "row, clipped to the grey scale. Each column is one network evaluation later; the last state is the sample.",
        caption.origin(frames),
    )
    return fig


def _strip(row: ndarray, states: ndarray) -> None:
    """Draw one row: noise at the left, then the states; a dash beyond the end of the chain."""
    for index, ax in enumerate(row):
        image_strip(ax, states[index] if index < len(states) else None)
