"""Sampling trajectories from noise to image, one row per variant, all from the same noise."""

from __future__ import annotations

from matplotlib.figure import Figure
from numpy import ndarray
from pandas import Series

from benchmarks.report import caption
from benchmarks.report import estimates as stated
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import LABEL_WIDTH, image_strip
from benchmarks.report.formats import number
from benchmarks.report.frames import samples_file
from benchmarks.report.frames.frames import Frames
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import balanced


def draw(frames: Frames) -> Figure | None:
    """One row per variant, one column per state."""
    cells = samples_file.first_cells(frames)
    trajectories = recorded(frames)
    if not trajectories:
        return None
    titled = _ends(frames, trajectories)
    fig = style.figure(_finding(frames, *titled), estimates=_estimates(frames, *titled))
    axes = fig.subplots(len(trajectories), max(map(len, trajectories.values())), squeeze=False)
    for row, (variant, states) in zip(axes, trajectories.items(), strict=True):
        _strip(row, states)
        name = "\n".join(balanced(style.label(frames, variant), LABEL_WIDTH))
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


def _estimates(frames: Frames, nfe: int, ratios: Series) -> list[str]:
    """The ratios of the title."""
    shown = ratios.groupby("variant").mean().dropna().sort_values().index
    return [
        stated.of_values(say("{name}, {nfe} NFE", name=style.label(frames, name), nfe=nfe), ratios[[name]])
        for name in dict.fromkeys([*shown[:1], *shown[-1:]])
    ]


def _ends(frames: Frames, trajectories: dict[str, ndarray]) -> tuple[int, Series]:
    """The evaluations of the longest trajectories, and the FID ratio of every seed of their variants at their end."""
    nfe = max(map(len, trajectories.values())) - 1
    longest = [name for name, states in trajectories.items() if len(states) == nfe + 1]
    samples = frames.samples[frames.samples.variant.isin(longest) & frames.samples.primary.eq(True)]
    return nfe, samples[samples.nfe_asked.eq(nfe)].set_index("variant").fid_ratio


def _finding(frames: Frames, nfe: int, ratios: Series) -> str:
    shown = ratios.groupby("variant").mean().dropna().sort_values()
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
