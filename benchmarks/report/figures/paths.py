"""Sampling trajectories from noise to image, one row per variant, all from the same noise."""

from __future__ import annotations

from matplotlib.figure import Figure
from numpy import ndarray

from benchmarks.report import caption
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import LABEL_WIDTH, image_strip
from benchmarks.report.formats import number
from benchmarks.report.frames import samples_file
from benchmarks.report.frames.frames import Frames
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import wrap


def draw(frames: Frames) -> Figure | None:
    """One row per variant, one column per state."""
    cells = samples_file.first_cells(frames)
    trajectories = recorded(frames)
    if not trajectories:
        return None
    fig = style.figure(_finding(frames, trajectories))
    axes = fig.subplots(len(trajectories), max(map(len, trajectories.values())), squeeze=False)
    for row, (variant, states) in zip(axes, trajectories.items(), strict=True):
        _strip(row, states)
        name = "\n".join(wrap(style.label(frames, variant), LABEL_WIDTH))
        row[0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=style.SMALL)
    axes[0][0].set_title(say("noise"), fontsize=15)
    for index, ax in enumerate(axes[0][1:], 1):
        ax.set_title(say("{nfe} NFE", nfe=index), fontsize=15)
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


def recorded(frames: Frames) -> dict[str, ndarray]:
    """Variant -> the states of its chains, (states, chains, C, H, W), uint8, the first of them noise."""
    cells = samples_file.first_cells(frames)
    kept = {name: samples_file.arrays(frames.folder / cells.samples_file[name]) for name in frames.ordered(cells.index)}
    return {variant: found["path"] for variant, found in kept.items() if found and "path" in found}


def _finding(frames: Frames, trajectories: dict[str, ndarray]) -> str:
    """The FID ratio of every variant whose trajectory is among the longest, at their end."""
    nfe = max(map(len, trajectories.values())) - 1
    ends = frames.samples[frames.samples.primary.eq(True) & frames.samples.nfe_asked.eq(nfe)]
    ratios = ends.groupby("variant").fid_ratio.mean().dropna()
    shown = ratios[[name for name in ratios.index if len(trajectories.get(name, ())) == nfe + 1]].sort_values()
    if shown.empty:
        return say("Sampling trajectories from the same noise")
    best, worst = shown.index[0], shown.index[-1]
    values = {"nfe": nfe, "best": style.label(frames, best), "ratio": number(shown[best])}
    if len(shown) == 1:
        return say("From the same noise, {best} has an FID ratio of {ratio} after {nfe} evaluations", **values)
    return say(
        "After {nfe} evaluations from the same noise, {best} has an FID ratio of {ratio} and {worst} of {high}",
        **{"worst": style.label(frames, worst), "high": number(shown[worst]), **values},
    )
