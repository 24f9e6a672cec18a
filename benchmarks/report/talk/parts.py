"""What a slide is made of; decks and handouts draw these parts and know nothing about the results."""

from __future__ import annotations

from dataclasses import dataclass, field

from matplotlib.figure import Figure
from PIL.Image import Image

from benchmarks.report.talk.runs import SlideRun, SpokenFigure


@dataclass(frozen=True)
class SlideFigure:
    """A figure. name: of its files. alt: what it shows, in a sentence, for who cannot see it."""

    name: str
    figure: Figure
    alt: str


@dataclass(frozen=True)
class Film:
    """An animation, which repeats. images: one per state. still: those that stand for it in print, side by side.

    seconds: that one image stays.
    """

    name: str
    images: list[Image]
    still: Figure
    alt: str
    seconds: float = 0.6


@dataclass(frozen=True)
class Text:
    """Paragraphs. code: whether they are commands."""

    lines: tuple[str, ...]
    code: bool = False


@dataclass(frozen=True)
class CellRows:
    """A table. cells: one row after another, as wide as the header."""

    header: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class NativeChart:
    """Lines on two logarithmic axes, which the reader of the file can edit.

    lines: name -> (colour as "#rrggbb", x, y).
    """

    lines: dict[str, tuple[str, list[float], list[float]]]
    x_title: str
    y_title: str
    alt: str


Part = SlideFigure | Film | Text | CellRows | NativeChart


@dataclass(frozen=True)
class Slide:
    """One slide.

    title: the finding, with its number.
    parts: one, or two of which the first takes `split` of the place.
    run: whose records it shows.
    speech: what the speaker says, and caveats, in sentences; command, commit and hardware are added to it.
    split: share of the first of two parts. beside: whether they stand side by side.
    estimates: the numbers of the title with their 95 % intervals; none where they are counts.
    """

    title: str
    parts: tuple[Part, ...]
    run: SlideRun
    speech: tuple[str, ...] = ()
    split: float = 0.5
    beside: bool = True
    caption: str = field(default="")
    estimates: tuple[str, ...] = ()


def of_figure(drawn: SpokenFigure, speech: tuple[str, ...]) -> Slide:
    """A slide of one figure, whose finding is the title. speech: as in `Slide`."""
    picture = SlideFigure(drawn.name, drawn.figure, drawn.finding)
    return Slide(drawn.finding, (picture,), drawn.run, speech, caption=drawn.caption, estimates=drawn.estimates)
