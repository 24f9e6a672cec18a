"""Style of all figures: palette, fonts that can be read from the back row, and files that are the same bytes each time.

Colours: Okabe and Ito, "Color Universal Design" (2008), without the yellow, which is 1.3 to 1 on white.
"""

from __future__ import annotations

import textwrap
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure

from benchmarks.report.frames import marks
from benchmarks.report.frames.frames import Frames
from benchmarks.store import atomic

FIGSIZE = (12.8, 7.2)  # inches: 1920 x 1080 pixels at 150 dpi
BLACK, ORANGE, SKY, GREEN = "#000000", "#E69F00", "#56B4E9", "#009E73"
BLUE, VERMILLION, PURPLE, GREY = "#0072B2", "#D55E00", "#CC79A7", "#767676"
SOLID, DASHED, DOTTED, DASHDOT = "-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5))
COLORS = {"black": BLACK, "orange": ORANGE, "sky": SKY, "green": GREEN}
COLORS |= {"blue": BLUE, "vermillion": VERMILLION, "purple": PURPLE}
DASHES = {"solid": SOLID, "dashed": DASHED, "dotted": DOTTED, "dashdot": DASHDOT}
SMALL, TINY = 13, 10
FORMATS = {
    "png": {"dpi": 150, "metadata": {"Software": None}, "pil_kwargs": {"optimize": True}},
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
}
NOTE_WIDTH = 170  # characters of TINY print


class LineStyle(NamedTuple):
    """A look as matplotlib takes it."""

    color: str
    marker: str
    dash: str | tuple


def look(frames: Frames, name: str) -> LineStyle:
    """The look of a variant, series or family of chains: the same in every figure of a results folder."""
    found = frames.looks[name]
    return LineStyle(COLORS[found.color], found.marker, DASHES[found.dash])


def label(frames: Frames, name: str, *variants: str) -> str:
    """A name as figures write it: with a dagger and the words of its marks where it has some.

    variants: those that the name stands for; none where it is a variant's own.
    """
    known = marks.of_variants(frames)
    words = "; ".join(dict.fromkeys(known[variant] for variant in variants or (name,) if variant in known))
    return f"{name} {marks.SIGN} {words}" if words else name


def context() -> AbstractContextManager:
    """The settings under which figures are drawn and saved."""
    settings = sns.axes_style("whitegrid") | sns.plotting_context("talk", font_scale=0.95)
    return mpl.rc_context(
        settings
        | {
            "text.parse_math": False,  # a dollar sign in a name is a dollar sign
            "font.family": ["DejaVu Sans"],  # comes with matplotlib, so every machine draws the same bytes
            "svg.fonttype": "path",
            "svg.hashsalt": "alexnet-moment",
            "pdf.fonttype": 42,
            "grid.color": "#e4e4e4",
            "axes.edgecolor": "#444444",
            "lines.linewidth": 3,
            "lines.markersize": 10,
            "axes.titlesize": 17,
            "axes.axisbelow": True,
        }
    )


def figure() -> Figure:
    """An empty 16:9 figure that makes room for its labels."""
    fig = Figure(figsize=FIGSIZE, layout="constrained")
    fig.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
    return fig


def ink(color: str) -> tuple[float, ...]:
    """A colour darkened for text: the light ones of the palette are 2.3 to 1 on white."""
    return tuple(0.72 * channel for channel in mpl.colors.to_rgb(color))


def note(fig: Figure, *lines: str) -> None:
    """Write the caption below a figure, one paragraph per line."""
    wrapped = [part for line in lines for part in textwrap.wrap(line, NOTE_WIDTH)]
    fig.supxlabel("\n".join(wrapped), fontsize=TINY, color=GREY, x=0.01, ha="left")


def save(fig: Figure, path: Path) -> set[Path]:
    """Write `path` in every one of `FORMATS`, with no date in them; returns the paths of the files."""
    fig.draw_without_rendering()
    fig.set_layout_engine("none")  # laid out once, not once per format, since that takes most of the time
    files = {form: path.with_name(f"{path.name}.{form}") for form in FORMATS}
    for form, file in files.items():
        with atomic.replacing(file) as fresh:
            fig.savefig(fresh, format=form, **FORMATS[form])
    return {*files.values()}
