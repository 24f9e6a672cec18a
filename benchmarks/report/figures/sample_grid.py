"""Samples of every variant from the same noise, beside their nearest training images and real images."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy import linspace, ndarray

from benchmarks.report import caption
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import image_strip
from benchmarks.report.formats import number
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.leaders import leaders
from benchmarks.report.frames.samples_file import arrays, first_cells
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import balanced

N_IMAGES = 4  # side by side, at least
WIDEST = 1.3  # sides of a strip that fills its panel, over those of an even share of the figure
LABEL_WIDTH = 31  # characters of a line, in the usual size
LINE = 1.25  # heights of its letters
ROWS_SHARE = 0.68  # of the figure's height
FEW_ROWS = 5  # variants that leave room for two rows of images each
USUAL_NFE = (1, 4, 32)
N_NFES = 4  # shown where at most one of the usual ones is available


def draw(frames: Frames) -> Figure | None:
    """One row per variant: samples at several NFEs, then the nearest training images. Last row: real images."""
    cells = first_cells(frames)
    grids = {name: grid for name, cell in cells.iterrows() if (grid := arrays(frames.folder / cell.samples_file))}
    primary = frames.samples[frames.samples.primary.eq(True)].groupby("variant").sampler.first()
    grids = {name: _named(grids[name], primary[name]) for name in frames.ordered(grids) if name in primary}
    nfes = _shown([{nfe for nfe in grid if isinstance(nfe, int)} for grid in grids.values()])
    if not nfes:
        return None
    real = next(iter(grids.values()))["real"]
    wide = _side_by_side(len(grids) + 1, len(nfes) + 1, len(real))
    n_shown = wide * (2 if len(grids) <= FEW_ROWS else 1)
    fig = style.figure(_finding(frames, nfes))
    axes = fig.subplots(len(grids) + 1, len(nfes) + 1, squeeze=False)
    names = {name: style.label(frames, name) for name in grids}
    size = _size([*names.values()], 72 * ROWS_SHARE * fig.get_figheight() / len(axes))
    for row, (name, grid) in zip(axes, grids.items(), strict=False):
        last = [nfe for nfe in nfes if nfe in grid][-1:]
        for ax, key in zip(row, [*nfes, *(f"{nfe}_nearest" for nfe in last)], strict=False):
            image_strip(ax, _first(grid.get(key), n_shown), wide)
        _label(row[0], names[name], style.look(frames, name).color, size)
    for index, ax in enumerate(axes[-1][:-1]):
        image_strip(ax, real[index * wide : (index + 1) * wide])
    axes[-1][-1].set_visible(False)
    _align(axes)
    _label(axes[-1][0], say("real, held out"), style.theme().text, size)
    for ax, title in zip(
        axes[0], [*(say("{nfe} NFE", nfe=nfe) for nfe in nfes), say("nearest training\nimages")], strict=True
    ):
        ax.set_title(title, fontsize=15)
    seeds = ", ".join(sorted({f"{cells.repetition[name]:g}" for name in grids}))
    style.note(
        fig,
        f"Data: {cells.dataset.iloc[0]}. The first samples of training seed {seeds}, unselected, from the same noise "
        "in every row. Right: the training images nearest in pixels to the last samples of the row. NFE: number of "
        "function evaluations per sample.",
        caption.origin(frames),
    )
    return fig


def _side_by_side(n_rows: int, n_columns: int, n_real: int) -> int:
    """As many images as fill a panel, of which the real ones suffice for all columns; few where rows are high."""
    if n_rows <= FEW_ROWS + 1:
        return N_IMAGES
    width, height = style.FIGSIZE
    fill = int(WIDEST * (width / n_columns) / (height / n_rows))
    return max(N_IMAGES, min(fill, n_real // max(1, n_columns - 1)))


def _align(axes: ndarray) -> None:
    """Let strips of any height, and none at all, begin at one edge, so that the labels beside them end at one."""
    shape = next(ax.images[0].get_array().shape for ax in axes.flat if ax.images)
    for ax in axes.flat:
        ax.set_anchor("W")
        if not ax.images:
            ax.set_box_aspect(shape[0] / shape[1])


def _named(grid: dict[str, ndarray], sampler: str) -> dict[int | str, ndarray]:
    """The arrays of one sampler by NFE, and by "NFE_nearest"; and the real images."""
    own = {name.removeprefix(f"{sampler}_"): images for name, images in grid.items() if name.startswith(f"{sampler}_")}
    return {int(name) if name.isdigit() else name: images for name, images in own.items()} | {"real": grid["real"]}


def _shown(rows: list[set[int]]) -> list[int]:
    """The usual NFEs among the available ones; where that is one or none, the first, the last and some between.

    A row that has none of these brings its last.
    """
    available = sorted(set().union(*rows))
    shown = {nfe for nfe in USUAL_NFE if nfe in available}
    if len(shown) < 2 and available:
        shown = {available[round(x)] for x in linspace(0, len(available) - 1, N_NFES)}
    return sorted(shown | {max(row) for row in rows if row and row.isdisjoint(shown)})


def _size(names: list[str], room: float) -> float:
    """The largest size of letters, in points, of which the lines of every name fit into a row. room: its height."""
    for size in range(style.SMALL, style.TINY, -1):
        if max(len(_lines(name, size)) for name in names) * size * LINE <= room:
            return size
    return style.TINY


def _lines(name: str, size: float) -> list[str]:
    return balanced(name, int(LABEL_WIDTH * style.SMALL / size))


def _label(ax: Axes, name: str, color: str, size: float) -> None:
    text = "\n".join(_lines(name, size))
    ax.set_ylabel(text, rotation=0, ha="right", va="center", fontsize=size, color=style.ink(color))


def _first(images: ndarray | None, n: int) -> ndarray | None:
    return None if images is None else images[:n]


def _finding(frames: Frames, nfes: list[int]) -> str:
    """The best variant at the fewest and at the most evaluations that are shown."""
    best = [(nfe, found.iloc[0]) for nfe in dict.fromkeys((nfes[0], nfes[-1])) if len(found := leaders(frames, nfe))]
    if not best:
        return say("Samples from the same noise")
    found = [
        say(
            "{best} with {nfe} NFE ({ratio})",
            **{"nfe": nfe, "best": style.label(frames, row.variant), "ratio": number(row.fid_ratio)},
        )
        for nfe, row in best
    ]
    return say("Lowest FID ratio: {found}", found=say("; ").join(found))
