"""Style of all figures: themes, fonts that can be read from the back row, files that are the same bytes each time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import seaborn as sns
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.report.figures.theme import LIGHT, OKABE_ITO, THEMES, Theme
from benchmarks.report.frames import marks
from benchmarks.report.frames.frames import Frames
from benchmarks.report.languages import name as in_words
from benchmarks.report.languages import speaking
from benchmarks.report.languages.wrapping import wrap
from benchmarks.store import atomic

FIGSIZE = (12.8, 7.2)  # inches: 1920 x 1080 pixels at 150 dpi
SOLID, DASHED, DOTTED, DASHDOT = "-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.5, 1, 1.5))
COLORS = OKABE_ITO
DASHES = {"solid": SOLID, "dashed": DASHED, "dotted": DOTTED, "dashdot": DASHDOT}
SMALL, TINY = 13, 10
FONT = "DejaVu Sans"  # comes with matplotlib, so every machine draws the same bytes
DPI = 150  # letters are not equally wide at all resolutions, so figures are laid out at that of the images
FORMATS = {
    "png": {"dpi": DPI, "metadata": {"Software": None}},
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
}
PNG_COLORS = 256  # a palette takes a third of the bytes of 24 bits per pixel, and looks the same
NOTE_WIDTH = 170  # characters of TINY print
TITLE_SIZE, TITLE_WIDTH = 18, 78  # points, and characters of a line


class Setting(NamedTuple):
    """theme: colours. stage: width and height, in inches, of a figure on a slide, which shows the finding and the
    caption itself, so the figure shows neither; None in reports."""

    theme: Theme
    stage: tuple[float, float] | None


DEFAULT = Setting(LIGHT, None)
_setting: ContextVar[Setting] = ContextVar("setting", default=DEFAULT)


class Drawing(Figure):
    """A figure. estimates: the numbers of its finding, each with its 95 % interval, for speaker notes."""

    estimates: tuple[str, ...] = ()


class LineStyle(NamedTuple):
    """A look as matplotlib takes it."""

    color: str
    marker: str
    dash: str | tuple


def theme() -> Theme:
    """The colours of the figure being drawn."""
    return _setting.get().theme


def on_stage() -> bool:
    """Whether the figure is for a slide, which has place for one panel."""
    return _setting.get().stage is not None


def look(frames: Frames, name: str) -> LineStyle:
    """The look of a variant, series or family of chains: the same in every figure of a results folder."""
    found = frames.looks[name]
    return LineStyle(theme().series[found.color], found.marker, DASHES[found.dash])


def label(frames: Frames, name: str, *variants: str) -> str:
    """A name as figures write it: a variant's display name, with a dagger and the words of its marks where it has some.

    variants: those that the name stands for; none where it is a variant's own.
    """
    known = marks.of_variants(frames)
    words = "; ".join(dict.fromkeys(known[variant] for variant in variants or (name,) if variant in known))
    shown = in_words(frames.names.get(name, name))
    return f"{shown} {marks.SIGN} {words}" if words else shown


@contextmanager
def context(look: str = "light", language: str = "en", font: str | None = None) -> Iterator[None]:
    """Within it, figures are drawn and saved in this style.

    look: name of the theme, light or dark. language: of all texts. font: family that has the glyphs that the usual one
    lacks.
    """
    before = _setting.set(Setting(THEMES[look], None))
    try:
        with speaking(language), mpl.rc_context(_settings(THEMES[look], [FONT, *([font] if font else [])])):
            yield
    finally:
        _setting.reset(before)


@contextmanager
def staged(size: tuple[float, float]) -> Iterator[None]:
    """Within it, figures are drawn for a slide, with this width and height in inches."""
    before = _setting.set(_setting.get()._replace(stage=size))
    sizes = dict.fromkeys(("axes.labelsize", "axes.titlesize", "xtick.labelsize", "ytick.labelsize"), SMALL)
    try:
        with mpl.rc_context(sizes):
            yield
    finally:
        _setting.reset(before)


def _settings(theme: Theme, fonts: list[str]) -> dict:
    settings = sns.axes_style("whitegrid") | sns.plotting_context("talk", font_scale=0.95)
    text = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.titlecolor")
    paper = ("figure.facecolor", "axes.facecolor", "savefig.facecolor")
    return (
        settings
        | dict.fromkeys(text, theme.text)
        | dict.fromkeys(paper, theme.paper)
        | {
            "text.parse_math": False,  # a dollar sign in a name is a dollar sign
            "font.family": fonts,
            "svg.fonttype": "path",
            "svg.hashsalt": "alexnet-moment",
            "pdf.fonttype": 42,
            "grid.color": theme.grid,
            "axes.edgecolor": theme.muted,
            "hatch.color": theme.paper,
            "lines.linewidth": 3,
            "lines.markersize": 10,
            "axes.titlesize": 17,
            "axes.axisbelow": True,
        }
    )


def figure(finding: str = "", height: float = 0, estimates: Iterable[str] = ()) -> Drawing:
    """An empty figure, 16:9 in reports, that makes room for its labels.

    finding: what it shows, with its number, in a sentence; its title. height: inches that it needs at least. estimates:
    the numbers of the finding, each with its 95 % interval, in words of `benchmarks.report.estimates`.
    """
    size = _setting.get().stage or FIGSIZE
    height = size[1] if _setting.get().stage else max(size[1], height)
    fig = Drawing(figsize=(size[0], height), dpi=DPI, layout="constrained")
    fig.estimates = tuple(estimates)
    fig.get_layout_engine().set(w_pad=0.1, h_pad=0.08)
    if finding:
        lines = finding if _setting.get().stage else "\n".join(wrap(finding, TITLE_WIDTH))
        title = fig.suptitle(lines, x=0.012, y=1 - 0.12 / height, ha="left", va="top", fontsize=TITLE_SIZE)
        title.set(fontweight="bold", in_layout=False, visible=not _setting.get().stage)
        taken = 0 if _setting.get().stage else 0.2 + TITLE_SIZE * 1.22 / 72 * (lines.count("\n") + 1)
        fig.get_layout_engine().set(rect=(0, 0, 1, 1 - taken / height))
    return fig


def top(fig: Figure) -> float:
    """Upper end of the part of the figure that its axes may take, as a share of its height."""
    return fig.get_layout_engine().get()["rect"][3]


def ink(color: str) -> tuple[float, ...]:
    """A series' colour for text."""
    return theme().ink(color)


def note(fig: Figure, *lines: str) -> None:
    """Write the caption below a figure, one paragraph per line; on a stage it is kept, and not drawn."""
    wrapped = [part for line in lines for part in wrap(line, NOTE_WIDTH)]
    text = fig.supxlabel("\n".join(wrapped), fontsize=TINY, color=theme().muted, x=0.01, ha="left")
    text.set(visible=not _setting.get().stage, in_layout=not _setting.get().stage)


def save(fig: Figure, path: Path, formats: dict[str, dict] | None = None) -> set[Path]:
    """Write `path` in every one of `formats` (default: FORMATS), with no date in them; returns the files' paths."""
    fig.draw_without_rendering()
    fig.set_layout_engine("none")  # laid out once, not once per format, since that takes most of the time
    formats = FORMATS if formats is None else formats
    files = {form: path.with_name(f"{path.name}.{form}") for form in formats}
    for form, file in files.items():
        with atomic.replacing(file) as fresh:
            fig.savefig(fresh, format=form, **formats[form])
            if form == "png":
                _with_palette(fresh)
    return {*files.values()}


def _with_palette(path: Path) -> None:
    """Write a PNG again with PNG_COLORS colours."""
    with Image.open(path) as image:
        # The colours of lines cover few pixels: the default method, median cut, would merge them.
        kept = image.convert("RGB").quantize(PNG_COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        resolution = image.info.get("dpi")
    kept.save(path, "PNG", optimize=True, dpi=resolution)
