"""A readable table before it is Markdown or LaTeX: title, cells of text, notes."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from pandas import DataFrame, Series

from benchmarks.report.formats import DASH, percent


class Bold(str):
    """A cell that is set bold: the best mean, significantly different from every other."""


@dataclass(frozen=True)
class Sheet:
    """One readable table.

    title: its heading.
    body: cells of text, one row per line; a `Bold` one is set bold.
    notes: sentences below it.
    details: heads of columns that a page shows on demand; those that the body lacks count for nothing.
    """

    title: str
    body: DataFrame
    notes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()


def dense(lines: list[dict[str, str]]) -> DataFrame:
    """The lines as a body, without the columns in which no line has anything."""
    body = DataFrame(lines).fillna("")
    return body.loc[:, [not set(body[name]) <= {DASH, ""} for name in body]]


def detectable_line(effects: dict[str, float], decimals: int = 0) -> list[dict[str, str]]:
    """The last line of a body: minimum detectable effects (shares of the mean) of some of its columns; none if none is
    known."""
    known = any(pd.notna(effect) for effect in effects.values())
    shown = {name: percent(effect, decimals) for name, effect in effects.items()}
    return [{"variant": "min. detectable"} | shown] if known else []


FLAG = "!"


def flagged(row: Series) -> str:
    """A variant's name, with an exclamation mark where a check of its timing failed."""
    return f"{row.variant} {FLAG}" if isinstance(row.timing_flags, str) else row.variant


def flags(rows: DataFrame) -> list[str]:
    """Notes that explain the exclamation marks."""
    found = rows.drop_duplicates("variant").dropna(subset="timing_flags")
    return [f"{FLAG} A check of the timing failed for {row.variant}: {row.timing_flags}." for row in found.itertuples()]


def mebibytes(n_bytes: float) -> float:
    """Bytes as MiB; missing stays missing."""
    return n_bytes if pd.isna(n_bytes) else n_bytes / 2**20
