"""What a section of the page is made of: text, tables, charts, pictures. Each kind has a template in templates/blocks/.

Every text is escaped by the template, so a block holds plain text, never markup.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.report.page.glossary import Explanation, entry_of

NUMBER = re.compile(r"[-+]?\d+\.?\d*(e[-+]?\d+)?")


@dataclass(frozen=True)
class Head:
    """The head of a column: its text, the glossary entry that explains it, and the name of its values in charts."""

    text: str
    entry: Explanation
    name: str = ""


@dataclass(frozen=True)
class Value:
    """A cell of a table.

    text: what is shown. small: an addition in small print. bold: whether the text is set bold. value: what a table is
    sorted by and a chart draws, where it is not the text. more: shown on hovering. variant: the variant whose series a
    checkbox in this cell selects.
    """

    text: str
    small: str = ""
    bold: bool = False
    value: str | None = None
    more: str = ""
    variant: str | None = None

    @property
    def numeric(self) -> bool:
        """Whether its value is a number, so that its text stays on one line."""
        return self.value is not None and NUMBER.fullmatch(self.value) is not None


@dataclass(frozen=True)
class Prose:
    """Paragraphs. lead: whether they are the answer of the page, in large print."""

    paragraphs: Sequence[str]
    lead: bool = False
    template: str = field(default="prose", init=False)


@dataclass(frozen=True)
class Links:
    """Where more is said. targets: (id of a place on the page, its text)."""

    targets: Sequence[tuple[str, str]]
    template: str = field(default="links", init=False)


@dataclass(frozen=True)
class Listing:
    """A table with sorting, search, a choice of columns and CSV where the page has JavaScript.

    id: unique on the page. heads, rows: the cells. notes: sentences below. filters: heads whose values get a selection
    list. hidden: heads that are hidden at first. printed: whether it is part of the printed page.
    """

    id: str
    title: str
    heads: Sequence[Head]
    rows: Sequence[Sequence[Value]]
    notes: Sequence[str] = ()
    filters: Sequence[str] = ()
    hidden: Sequence[str] = ()
    printed: bool = True
    template: str = field(default="listing", init=False)


@dataclass(frozen=True)
class Chart:
    """A chart that draws the rows of a listing, so that every plotted number stands in a table.

    id: unique on the page. numbers: the listing, which is shown folded below. specs: Vega-Lite specification by its
    name, such as that of its x axis; the reader switches between them. switch: the word before these names. text: what
    is drawn, in a sentence. picture: what is shown without JavaScript, as a data address. small: whether two stand side
    by side.
    """

    id: str
    title: str
    numbers: Listing
    specs: dict[str, dict]
    text: str
    picture: str | None = None
    small: bool = False
    switch: str = "Against"
    template: str = field(default="chart", init=False)


@dataclass(frozen=True)
class Picture:
    """An image that the reader can enlarge. source: data address. width, height: in pixels. text: what it shows."""

    source: str
    width: int
    height: int
    text: str
    label: str = ""


@dataclass(frozen=True)
class Gallery:
    """Rows of pictures: (name of the row, id in small print, its pictures). columns: heads of the pictures."""

    title: str
    rows: Sequence[tuple[str, str, Sequence[Picture | None]]]
    columns: Sequence[str]
    notes: Sequence[str] = ()
    template: str = field(default="gallery", init=False)


Block = Prose | Links | Listing | Chart | Gallery


def heads(texts: Sequence[str], names: Sequence[str] = ()) -> list[Head]:
    """Heads with their glossary entries. names: of the values in charts, as many as texts, or none."""
    names = names or [""] * len(texts)
    return [Head(text, entry_of(text), name) for text, name in zip(texts, names, strict=True)]
