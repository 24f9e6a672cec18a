"""One results folder as the sections of the page see it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from zlib import crc32

import pandas as pd
from pandas import DataFrame

from benchmarks.report.frames.frames import Frames
from benchmarks.report.page.blocks import Value

MOST = 12  # series that are switched on at first


@dataclass(frozen=True)
class Run:
    """Records of a results folder, and what has been computed from them.

    place: its number on the page, for unique ids. frames: all of its records. comparison: its comparison. rows: name of
    a table -> its data, as `tables.computed` returns it.
    """

    place: int
    frames: Frames
    comparison: DataFrame
    rows: dict[str, DataFrame | None] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """The results folder."""
        return self.frames.folder

    @property
    def name(self) -> str:
        """The folder's name, which is mostly that of its preset."""
        return self.folder.resolve().name

    @property
    def several(self) -> bool:
        """Whether there are several data sets."""
        return len(self.frames.datasets) > 1

    @cached_property
    def titles(self) -> dict[str, str]:
        """Variant -> its title."""
        return self.frames.cells.groupby("variant").title.first().to_dict()

    def id(self, *parts: object) -> str:
        """An id that is unique on the page. parts: words that name the thing within the run."""
        return "-".join([f"run{self.place}", *map(_identifier, map(str, parts))])

    def figure(self, name: str, dataset: str) -> Path:
        """Path of a figure of the report as PNG, whether it is there or not."""
        return self.folder / "figures" / (f"{name}-{dataset}.png" if self.several else f"{name}.png")

    def in_data(self, title: str, dataset: str) -> str:
        """A title, with the data set where there are several."""
        return f"{title}, {dataset}" if self.several else title

    def variant(self, name: str, more: str = "", select: bool = False) -> Value:
        """The cell of a variant: its title, with its id in small print. more: what stands behind the id."""
        title = self.titles.get(name, name)
        small = " ".join(text for text in ((name if title != name else ""), more) if text)
        return Value(title, small, value=name, variant=name if select else None)

    def named(self, text: str) -> Value:
        """A cell that begins with the id of a variant, as those of readable tables do, as `variant` writes it."""
        for name in self._longest_first:
            if text == name or (text.startswith(name) and not re.match(r"[\w-]| \[", text[len(name) :])):
                return self.variant(name, text[len(name) :].strip(" ,"))
        return Value(text)

    @cached_property
    def _longest_first(self) -> list[str]:
        return sorted(self.titles, key=len, reverse=True)


def shown(value: float) -> str:
    """A number as tables of plotted numbers show it, with four significant digits; empty where it is missing."""
    return "" if pd.isna(value) else f"{value:.4g}"


def _identifier(text: str) -> str:
    """The text without what an id may not hold; with a number where it held any, so that two texts never share one."""
    plain = re.sub(r"\W+", "-", text).strip("-")
    return plain if plain == text else f"{plain}-{crc32(text.encode()):x}"
