"""One figure a file: a module here with `draw(frames) -> Figure | None` is a figure, and the file name is its name.

`draw` gets the frames of one data set and returns None where they hold nothing for it.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path

from benchmarks.report import style
from benchmarks.report.frames import Frames

FORMATS = ("png", "svg", "pdf")


def names() -> list[str]:
    """Every figure, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def write(frames: Frames, folder: Path) -> None:
    """Draw every figure into `folder` as png, svg and pdf: NAME, or NAME-DATASET where there are several data sets."""
    folder.mkdir(parents=True, exist_ok=True)
    several = len(frames.datasets) > 1
    for name in names():
        for old in [
            path for form in FORMATS for path in (*folder.glob(f"{name}.{form}"), *folder.glob(f"{name}-*.{form}"))
        ]:
            old.unlink()
        draw = importlib.import_module(f"{__name__}.{name}").draw
        for dataset in frames.datasets:
            with style.context():
                fig = draw(frames.of(dataset))
                if fig is not None:
                    style.save(fig, folder / (f"{name}-{dataset}" if several else name))
