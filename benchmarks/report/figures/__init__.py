"""One figure per file: a module here with a function `draw` is a figure, and adding one is adding its file.

    def draw(frames: Frames) -> Figure | None

frames: of one data set. None where they hold nothing for it. The file's name is the figure's.

`style.figure` takes the numbers of its title with their 95 % intervals too, for the speaker notes of a talk.

SHOWN: optional; which variants the frames hold:
    "main" (if it says nothing): those that are not points of a series, and of more than MOST the most important ones;
    "all": those that are not points of a series, however many;
    "series": all, points of series included.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import ModuleType

from matplotlib.figure import Figure

from benchmarks.execute.cores import cores
from benchmarks.report.attempt import attempt
from benchmarks.report.figures import style
from benchmarks.report.frames import Frames, lengths

MOST = 12  # variants in a figure that shows the main ones


def names() -> list[str]:
    """Every figure, sorted; a file that cannot be imported counts as one, so that its absence is named."""
    modules = sorted(module.name for module in pkgutil.iter_modules(__path__))
    return [
        name for name in modules if not (module := attempt(name, [], None, _module, name)) or hasattr(module, "draw")
    ]


def write(frames: Frames, folder: Path) -> list[str]:
    """Draw every figure into `folder` in all of `style.FORMATS`, as NAME, or NAME-DATASET of several data sets.

    A figure of an earlier report that is not drawn now is removed in the end, so that a report that is interrupted
    leaves the old ones.

    Returns the figures that failed, in words; all others are drawn.
    """
    folder.mkdir(parents=True, exist_ok=True)
    drawn, failures = names(), []
    patterns = [f"{name}{more}.{form}" for name in drawn for more in ("", "-*") for form in style.FORMATS]
    old = {path for pattern in patterns for path in folder.glob(pattern)}
    drawn = [name for name in drawn if attempt(f"figure {name}", failures, None, _module, name)]
    with _pool() as pool:
        tasks = {
            f"figure {path.name}": pool.submit(_draw, name, one, path)
            for name in drawn
            for dataset in frames.datasets
            for one in [shown(name, frames.of(dataset))]
            for path in [folder / (f"{name}-{dataset}" if len(frames.datasets) > 1 else name)]
            if len(one.cells)
        }
        for what, task in tasks.items():
            old -= attempt(what, failures, set(), task.result)
    for path in old:
        path.unlink(missing_ok=True)
    return failures


def _pool() -> Executor:
    """What draws: a process per core, since a figure takes seconds; one thread where the system has no semaphores for
    processes, as without /dev/shm."""
    try:  # forks need not import matplotlib again
        return ProcessPoolExecutor(cores(), get_context("fork" if sys.platform == "linux" else "spawn"))
    except OSError:
        return ThreadPoolExecutor(1)


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{__name__}.{name}")


def shown(name: str, frames: Frames) -> Frames:
    """The frames of one data set with the variants that a figure shows."""
    wanted = getattr(_module(name), "SHOWN", "main")
    if wanted == "series":
        return frames
    return frames.without_series() if wanted == "all" else _main(frames.without_series())


def drawn(name: str, frames: Frames) -> Figure | None:
    """A figure of the frames of one data set, in the current style; None where they hold nothing for it."""
    some = shown(name, frames)
    return _module(name).draw(some) if len(some.cells) else None


def _main(frames: Frames) -> Frames:
    """The frames, or where they hold too many variants those of recognition and the main ones of generation."""
    if frames.cells.variant.nunique() <= MOST:
        return frames
    recognition = set(frames.cells.variant[frames.cells.task == "recognition"])
    generation = frames.only({*frames.cells.variant} - recognition)
    shown = lengths.main(lengths.entries(generation), MOST - len(recognition))
    return frames.only({*shown, *recognition}) if shown or recognition else frames


def _draw(name: str, frames: Frames, path: Path) -> set[Path]:
    """The files that the figure was written to; none where the frames hold nothing for it."""
    with style.context():
        fig = _module(name).draw(frames)
        return set() if fig is None else style.save(fig, path)
