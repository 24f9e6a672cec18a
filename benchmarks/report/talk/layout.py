"""Where things are on a slide, in inches, and how large their letters are, in points."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.report.languages.wrapping import width, wrap
from benchmarks.report.talk.parts import CellRows, Slide

WIDTH, HEIGHT = 13.333, 7.5
MARGIN, GAP = 0.5, 0.25
TEXT, CODE, CELL, SOURCE = 24, 18, 18, 18
TITLES = (34, 30, 26, 24, 20)  # the largest that fits is taken
LETTER = 0.54  # width of a bold letter, in font sizes
LINE = 1.2  # height of a line, in font sizes
ROOMY = 0.6  # inches of a table's row where there is room
# A figure is drawn smaller than its place and enlarged with its letters, so that they are read from the back row.
ENLARGED = 1.4


class Box(NamedTuple):
    """Left, top, width and height, in inches."""

    left: float
    top: float
    width: float
    height: float


TITLE = Box(MARGIN, 0.3, WIDTH - 2 * MARGIN, 1.2)
BODY = Box(MARGIN, 1.62, WIDTH - 2 * MARGIN, 5.1)
FOOTER = Box(MARGIN, 6.9, WIDTH - 2 * MARGIN, 0.42)


def boxes(slide: Slide) -> list[Box]:
    """The places of a slide's parts."""
    return halves(slide.split, slide.beside) if len(slide.parts) == 2 else [BODY]


def halves(split: float, beside: bool) -> list[Box]:
    """The body in two: side by side, or one below the other."""
    left, top, width, height = BODY
    if beside:
        first = split * (width - GAP)
        return [Box(left, top, first, height), Box(left + first + GAP, top, width - GAP - first, height)]
    first = split * (height - GAP)
    return [Box(left, top, width, first), Box(left, top + first + GAP, width, height - GAP - first)]


def on_stage(box: Box) -> tuple[float, float]:
    """Width and height of a figure that is enlarged into a box."""
    return box.width / ENLARGED, box.height / ENLARGED


def fitted(text: str, box: Box, sizes: tuple[float, ...], letter: float = LETTER) -> tuple[float, list[str]]:
    """The largest font size at which a text fits into a box, and its lines; the smallest size where none does."""
    for size in sizes:
        lines = wrap(text, int(box.width * 72 / (letter * size)))
        if len(lines) * size * LINE <= box.height * 72:
            break
    return size, lines


def column_widths(rows: CellRows, box: Box) -> list[float]:
    """Widths of a table's columns, in inches, by their longest text."""
    longest = [max(width(text) for text in column) + 3 for column in zip(rows.header, *rows.cells, strict=True)]
    return [box.width * letters / sum(longest) for letters in longest]


def row_heights(rows: CellRows, box: Box) -> list[float]:
    """Heights of a table's rows, in inches: as high as their lines need, and higher where there is room."""
    widths = column_widths(rows, box)
    needed = [
        max(len(wrap(text, int((wide - 0.2) * 72 / (0.5 * CELL)))) for text, wide in zip(texts, widths, strict=True))
        for texts in (rows.header, *rows.cells)
    ]
    heights = [lines * CELL * LINE / 72 + 0.1 for lines in needed]
    spare = (box.height - sum(heights)) / len(heights)
    return [height + max(0, min(spare, ROOMY - height)) for height in heights]
