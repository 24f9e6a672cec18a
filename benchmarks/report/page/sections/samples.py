"""Generated images per method and number of evaluations, with the nearest training images."""

from __future__ import annotations

from numpy import ndarray

from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.samples_file import arrays
from benchmarks.report.page import images
from benchmarks.report.page.blocks import Block, Gallery, Picture
from benchmarks.report.page.legend import series
from benchmarks.report.page.run import Run

ORDER, TITLE = 80, "Samples, with their nearest training images"
SIDE = 4  # images per row and column of a grid
NOTE = (
    "The first samples of one training seed, unselected, from the same noise in every row. nearest: for each sample "
    "the training image nearest to it in pixels, in the same place. Select a picture to enlarge it."
)
Grid = dict[int | str, ndarray]


def blocks(run: Run) -> list[Block]:
    """Per data set a gallery: a row per method, a column per number of evaluations."""
    on = {one.name for one in series(run) if one.on}
    galleries = (_gallery(run, run.frames.of(dataset), dataset, on) for dataset in run.frames.datasets)
    return [gallery for gallery in galleries if gallery]


def _gallery(run: Run, frames: Frames, dataset: str, on: set[str]) -> Gallery | None:
    grids = {name: grid for name, grid in _grids(frames).items() if name in on}
    nfes = sorted({key for grid in grids.values() for key in grid if isinstance(key, int)})
    if not nfes:
        return None
    columns = [text for nfe in nfes for text in (f"{nfe} NFE", "nearest")]
    rows = []
    for name, grid in grids.items():
        title = run.titles.get(name, name)
        keys = [key for nfe in nfes for key in (nfe, f"{nfe}_nearest")]
        pictures = [_picture(grid.get(key), f"{title}, {text}") for key, text in zip(keys, columns, strict=True)]
        rows.append((title, name, pictures))
    real = next(iter(grids.values())).get("real")
    rows.append(("Held-out images", "", [_picture(real, "held-out images"), *[None] * (len(columns) - 1)]))
    return Gallery(run.in_data("Samples", dataset), rows, columns, (NOTE,))


def _grids(frames: Frames) -> dict[str, Grid]:
    """Variant -> the arrays of its primary sampler, by NFE and by "NFE_nearest", and "real"."""
    cells = frames.cells.dropna(subset="samples_file").sort_values("repetition").groupby("variant").first()
    samplers = frames.samples[frames.samples.primary.eq(True)].groupby("variant").sampler.first()
    found = {}
    for name in frames.ordered(set(cells.index) & set(samplers.index)):
        kept = arrays(frames.folder / cells.samples_file[name]) or {}
        start = f"{samplers[name]}_"
        own = {key.removeprefix(start): value for key, value in kept.items() if key.startswith(start)}
        found[name] = {int(key) if key.isdigit() else key: value for key, value in own.items()}
        found[name] |= {"real": kept["real"]} if "real" in kept else {}
    return found


def _picture(values: ndarray | None, text: str) -> Picture | None:
    if values is None or values.ndim != 4 or not len(values):
        return None
    image = images.sheet(values[: SIDE * SIDE], SIDE)
    return Picture(images.address(image), image.width, image.height, text)
