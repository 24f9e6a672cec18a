"""One animation per file: a module here with a function `states` is one, and adding an animation is adding its file.

    def states(runs: Runs, size: tuple[float, float]) -> tuple[SlideRun, list[Figure]] | None

The figures that follow each other, for a place of this size in inches; None where no run holds the data. Everything
that moves was recorded.
"""

from __future__ import annotations

import importlib

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.report.figures import style
from benchmarks.report.languages import speaking
from benchmarks.report.talk.parts import Film
from benchmarks.report.talk.runs import Runs, SlideRun

DPI = 130
IN_STRIP = 4  # images of the strip for print


def film(name: str, runs: Runs, size: tuple[float, float], alt: str, seconds: float) -> tuple[SlideRun, Film] | None:
    """An animation by the name of its file, and the run that it shows; None where no run holds its data."""
    with style.staged(size), speaking(runs.figures_in):
        found = importlib.import_module(f"{__name__}.{name}").states(runs, size)
        if found is None:
            return None
        run, figures = found
        images = [_image(figure) for figure in figures]
        return run, Film(name, images, _strip(images), alt, seconds)


def _image(figure: Figure) -> Image.Image:
    figure.set_dpi(DPI)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _strip(images: list[Image.Image]) -> Figure:
    """Some of the images side by side, the first and the last among them."""
    last = len(images) - 1
    shown = sorted({round(last * index / (IN_STRIP - 1)) for index in range(IN_STRIP)})
    fig = style.figure()
    for ax, index in zip(fig.subplots(-(-len(shown) // 2), 2, squeeze=False).flat, shown, strict=False):
        ax.imshow(images[index])
        ax.axis("off")
    return fig
