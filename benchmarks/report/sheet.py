"""A readable table before it is Markdown or LaTeX: a title, cells of text, and what must be said under it."""

from __future__ import annotations

from dataclasses import dataclass

from pandas import DataFrame

from benchmarks.report.caption import DASH


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


def detectable_line(cells: dict[str, str]) -> dict[str, str]:
    """The last line of a body, with the minimum detectable effects of some of its columns."""
    return {"variant": "min. detectable"} | cells
