"""The readable tables of the report as listings of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator

from benchmarks.report import tables
from benchmarks.report.page.blocks import Head, Listing, Value, heads
from benchmarks.report.page.run import Run
from benchmarks.report.tables.fields import NAMING, signed
from benchmarks.report.tables.sheet import Bold, Sheet

NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*)(?:e[-+]?\d+)?")


def listings(run: Run, *names: str) -> list[Listing]:
    """The sheets of tables of the report, data set by data set. names: of the tables' files."""
    return [listing(run, name, dataset, sheet) for name in names for dataset, sheet in _sheets(run, name)]


def _sheets(run: Run, name: str) -> Iterator[tuple[str, Sheet]]:
    module = tables.found().get(name)
    rows = run.rows.get(name)
    if module is None or rows is None:
        return
    for dataset in run.frames.datasets:
        own, frames = rows[rows.dataset == dataset], run.frames.of(dataset)
        if len(own) or getattr(module, "EVEN_EMPTY", False):
            yield from ((dataset, sheet) for sheet in signed(module.sheets(frames, own), frames))


def listing(run: Run, name: str, dataset: str, sheet: Sheet) -> Listing:
    """One sheet as a listing."""
    columns = list(sheet.body)
    rows = [
        [_cell(run, column, text) for column, text in zip(columns, line, strict=True)]
        for line in sheet.body.itertuples(index=False, name=None)
    ]
    shown: list[Head] = heads(columns)
    hidden = [column for column in columns if column in sheet.details]
    title, found = run.in_data(sheet.title, dataset), run.id(name, dataset, sheet.title)
    return Listing(found, title, shown, rows, sheet.notes, hidden=hidden)


def _cell(run: Run, column: str, text: str) -> Value:
    if column in NAMING - {"pair"}:
        return run.named(text)
    return Value(str(text), bold=isinstance(text, Bold), value=order(str(text)))


def order(text: str) -> str | None:
    """The number that a cell begins with, by which it is sorted; None where it begins with none."""
    found = NUMBER.match(text)
    return found[0].replace(",", "") if found else None
