"""One table per file: a module here with a constant DOCUMENT is a table, and adding one is adding its file.

DOCUMENT: name of the document that it stands in; DOCUMENT.md holds every table of that name.
ORDER: its place there; tables stand in ascending order.
FORMS: optional; file endings of the document, ("md",) if no table of it says otherwise; allowed: "md", "tex".

    def sheets(frames: Frames, rows: DataFrame) -> list[Sheet]

The readable tables of one data set; empty where the records hold nothing for it. frames: of that data set. rows: its
rows of `data`, for a table that has none those of the comparison.

    def data(frames: Frames, comparison: DataFrame) -> DataFrame | None       (optional)

The same for programs, of all data sets: written as MODULE.csv; it has a column `dataset`. None where there is nothing.

    def notes(frames: Frames, rows: DataFrame) -> list[str]                   (optional)

What is said below all tables of the document; arguments as for `sheets`.
"""

from __future__ import annotations

import importlib
import pkgutil
from pathlib import Path
from types import ModuleType

from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.markup import WRITERS
from benchmarks.report.tables.sheet import Sheet

FORMS = ("md",)


def found() -> dict[str, ModuleType]:
    """Every table by name, in the order in which they stand in their documents."""
    names = [module.name for module in pkgutil.iter_modules(__path__)]
    modules = {name: importlib.import_module(f"{__name__}.{name}") for name in sorted(names)}
    tables = {name: module for name, module in modules.items() if hasattr(module, "DOCUMENT")}
    return dict(sorted(tables.items(), key=lambda item: item[1].ORDER))


def write(comparison: DataFrame, frames: Frames, folder: Path) -> None:
    """Write every table's data as CSV and every document as Markdown, and LaTeX where it says so, into `folder`.

    A file of an earlier report that has nothing in it now is removed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    documents: dict[str, dict[str, tuple[ModuleType, DataFrame]]] = {}
    for name, module in found().items():
        rows = module.data(frames, comparison) if hasattr(module, "data") else comparison
        if hasattr(module, "data"):
            _csv(rows, folder / f"{name}.csv")
        documents.setdefault(module.DOCUMENT, {})[name] = (module, rows)
    for document, tables in documents.items():
        forms = {form for module, _ in tables.values() for form in getattr(module, "FORMS", FORMS)}
        parts = {dataset: _part(frames.of(dataset), dataset, tables) for dataset in frames.datasets}
        for form, writer in WRITERS.items():
            texts = [writer(dataset, *part) for dataset, part in parts.items() if part[0] and form in forms]
            _text("\n".join(texts), folder / f"{document}.{form}")


def _part(
    frames: Frames, dataset: str, tables: dict[str, tuple[ModuleType, DataFrame]]
) -> tuple[list[Sheet], list[str]]:
    """The sheets of one data set in a document, and what is said below them."""
    sheets, notes = [], []
    for module, rows in tables.values():
        if rows is not None and len(own := rows[rows.dataset == dataset]):
            sheets += module.sheets(frames, own)
            notes += module.notes(frames, own) if hasattr(module, "notes") else []
    return sheets, [*notes, caption.origin(frames)]


def _csv(table: DataFrame | None, path: Path) -> None:
    if table is None:
        path.unlink(missing_ok=True)
    else:
        table.to_csv(path, index=False, float_format="%.6g", lineterminator="\n")


def _text(text: str, path: Path) -> None:
    if text:
        path.write_text(text, encoding="utf-8")
    else:
        path.unlink(missing_ok=True)
