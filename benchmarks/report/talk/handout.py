"""Slides as a PDF: one page each, drawn by matplotlib, with the strip of an animation in its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure
from PIL import Image

from benchmarks.report.figures.axes import plain_log
from benchmarks.report.figures.style import theme
from benchmarks.report.languages.wrapping import wrap
from benchmarks.report.talk import layout
from benchmarks.report.talk.layout import Box
from benchmarks.report.talk.parts import CellRows, Film, NativeChart, Slide, SlideFigure, Text

SMALLER = 1.15  # letters of this font are wider than those of the deck


def write(slides: list[Slide], files: dict[str, Path], sources: list[str], path: Path) -> None:
    """Write the pages. files: PNG of each picture and of each film's strip, by name. sources: one per slide."""
    with PdfPages(path, metadata={"CreationDate": None}) as pages:
        for slide, source in zip(slides, sources, strict=True):
            pages.savefig(page(slide, files, source))


def page(slide: Slide, files: dict[str, Path], source: str) -> Figure:
    """One slide."""
    fig = Figure(figsize=(layout.WIDTH, layout.HEIGHT))
    size, lines = layout.fitted(slide.title, layout.TITLE, layout.TITLES, layout.LETTER * 1.1)
    _write(fig, lines, layout.TITLE, size, theme().text, fontweight="bold")
    for part, box in zip(slide.parts, layout.boxes(slide), strict=True):
        if isinstance(part, SlideFigure | Film):
            _picture(fig, files[part.name], box)
        elif isinstance(part, Text):
            _text(fig, part, box)
        elif isinstance(part, CellRows):
            _rows(fig, part, box)
        else:
            _chart(fig, part, box)
    _write(fig, [source], layout.FOOTER, layout.SOURCE / SMALLER, theme().muted)
    return fig


def _write(fig: Figure, lines: list[str], box: Box, size: float, color: str, **more) -> None:
    x, y = box.left / layout.WIDTH, 1 - (box.top + box.height / 2) / layout.HEIGHT
    fig.text(x, y, "\n".join(lines), fontsize=size, color=color, va="center", ha="left", **more)


def _axes(fig: Figure, box: Box):
    left, bottom = box.left / layout.WIDTH, 1 - (box.top + box.height) / layout.HEIGHT
    return fig.add_axes((left, bottom, box.width / layout.WIDTH, box.height / layout.HEIGHT))


def _picture(fig: Figure, path: Path, box: Box) -> None:
    ax = _axes(fig, box)
    with Image.open(path) as image:
        ax.imshow(np.asarray(image.convert("RGB")))
    ax.axis("off")


def _text(fig: Figure, part: Text, box: Box) -> None:
    size = (layout.CODE if part.code else layout.TEXT) / SMALLER
    most = int(box.width * 72 / (0.62 * size))
    lines = [line for text in part.lines for line in ("", *wrap(text, most))][1:]
    _write(fig, lines, box, size, theme().text, **({"family": "monospace"} if part.code else {}))


def _rows(fig: Figure, part: CellRows, box: Box) -> None:
    widths, top = layout.column_widths(part, box), box.top
    for row, (texts, height) in enumerate(zip((part.header, *part.cells), layout.row_heights(part, box), strict=True)):
        left = box.left
        for text, wide in zip(texts, widths, strict=True):
            lines = wrap(text, int(wide * 72 / (0.62 * layout.CELL / SMALLER)))
            place = Box(left, top, wide, height)
            weight = "bold" if row == 0 else "normal"
            _write(fig, lines, place, layout.CELL / SMALLER, theme().text, fontweight=weight)
            left += wide
        top += height


def _chart(fig: Figure, part: NativeChart, box: Box) -> None:
    ax = _axes(fig, Box(box.left + 0.9, box.top, 0.6 * box.width, box.height - 0.8))
    for name, (color, xs, ys) in part.lines.items():
        ax.plot(xs, ys, color=color, marker="o", label=name)
    ax.set(xlabel=part.x_title, ylabel=part.y_title, yscale="log")
    ax.set_xscale("log", base=2)
    nfes = sorted({x for _, xs, _ in part.lines.values() for x in xs})
    ax.set_xticks(nfes, [f"{nfe:g}" for nfe in nfes])
    plain_log(ax.yaxis, decades=4)
    ax.legend(loc="upper left", bbox_to_anchor=(1.02, 1), frameon=False, fontsize=14)
