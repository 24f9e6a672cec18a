"""A readable table before it is Markdown or LaTeX: a title, cells of text, and what must be said under it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from pandas import DataFrame

from benchmarks.report.caption import DASH, percent


class Bold(str):
    """A cell that stands out: the best, and not by noise."""


@dataclass(frozen=True)
class Sheet:
    """body: strings only; a `Bold` one is set bold. notes: one line each."""

    title: str
    body: DataFrame
    notes: tuple[str, ...] = ()


def dense(lines: list[dict[str, str]]) -> DataFrame:
    """The lines as a body, without the columns that no line has anything for."""
    body = DataFrame(lines).fillna("")
    return body.loc[:, [not set(body[name]) <= {DASH, ""} for name in body]]


def detectable_line(effects: dict[str, float], decimals: int = 0) -> list[dict[str, str]]:
    """The last line of a body, with the minimum detectable effects (shares) of some of its columns; none if none is
    known."""
    known = any(pd.notna(effect) for effect in effects.values())
    shown = {name: percent(effect, decimals) for name, effect in effects.items()}
    return [{"variant": "min. detectable"} | shown] if known else []
