"""One figure a file: a module here with `draw(frames) -> Figure | None` is a figure, and the file name is its name.

`draw` gets the frames of one data set and returns None where they hold nothing for it.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from benchmarks.execute.cores import cores
from benchmarks.report import lengths, style
from benchmarks.report.frames import Frames

OF_SERIES = {"depth"}  # figures in which a series is a line
OF_ALL = {"chain_length", "one_change"}  # figures about how variants are related, of which there may be many
MOST = 12  # variants in any other figure


def names() -> list[str]:
    """Every figure, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def write(frames: Frames, folder: Path) -> None:
    """Draw every figure into `folder` in all of `style.FORMATS`, as NAME, or NAME-DATASET of several data sets."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names():
        for form in style.FORMATS:
            for old in (*folder.glob(f"{name}.{form}"), *folder.glob(f"{name}-*.{form}")):
                old.unlink()
    datasets = {dataset: frames.of(dataset) for dataset in frames.datasets}
    # What stands for a whole series is no variant to compare with others one by one.
    alone = {dataset: one.without_series() for dataset, one in datasets.items()}
    readable = {dataset: _readable(one) for dataset, one in alone.items()}
    # A figure takes seconds, most of them fonts; forks need not import matplotlib again.
    with ProcessPoolExecutor(cores(), get_context("fork" if sys.platform == "linux" else "spawn")) as pool:
        tasks = [
            pool.submit(_draw, name, one, folder / (f"{name}-{dataset}" if len(datasets) > 1 else name))
            for name in names()
            for dataset, one in (datasets if name in OF_SERIES else alone if name in OF_ALL else readable).items()
            if len(one.cells)
        ]
        for task in tasks:
            task.result()


def _readable(frames: Frames) -> Frames:
    """The frames, or where they hold too many variants those of `lengths.main` and of recognition."""
    n_variants = frames.cells.variant.nunique()
    shown = [*lengths.main(lengths.entries(frames)), *frames.cells.variant[frames.cells.task == "recognition"]]
    return frames.only(shown, n_variants - len(set(shown))) if n_variants > MOST and shown else frames


def _draw(name: str, frames: Frames, path: Path) -> None:
    with style.context():
        fig = importlib.import_module(f"{__name__}.{name}").draw(frames)
        if fig is not None:
            style.save(fig, path)
