"""One table per file: a module here with a constant DOCUMENT is a table, and adding one is adding its file.

DOCUMENT: name of the document that it stands in; DOCUMENT.md holds every table of that name.
ORDER: its place there; tables stand in ascending order.
EVEN_EMPTY: optional; whether `sheets` is called with no rows as well, to say what the table lacks.
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
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.attempt import attempt
from benchmarks.report.frames.frames import Frames
from benchmarks.report.tables.fields import mark_notes, signed
from benchmarks.report.tables.markup import WRITERS
from benchmarks.report.tables.sheet import Sheet
from benchmarks.store import atomic

Computed = dict[str, DataFrame | None]
FORMS = ("md",)
MAIN = "comparison"  # the document that names what failed
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # how a cell starts that spreadsheets compute


def found() -> dict[str, ModuleType]:
    """Every table by name, in the order in which they stand in their documents."""
    tables = {name: module for name, module in _modules([]).items() if hasattr(module, "DOCUMENT")}
    return dict(sorted(tables.items(), key=lambda item: item[1].ORDER))


def _modules(failures: list[str]) -> dict[str, ModuleType]:
    loaded = {
        name: attempt(f"table {name}", failures, None, importlib.import_module, f"{__name__}.{name}")
        for name in sorted(module.name for module in pkgutil.iter_modules(__path__))
    }
    return {name: module for name, module in loaded.items() if module}


def computed(comparison: DataFrame, frames: Frames, failures: list[str]) -> Computed:
    """Name of a table -> its rows, those of the comparison for a table without `data`; None where it has none or fails.

    failures: gets a line per table that fails, as `attempt` does.
    """
    return {
        name: attempt(f"table {name}", failures, None, module.data, frames, comparison)
        if hasattr(module, "data")
        else comparison
        for name, module in found().items()
    }


def write(
    comparison: DataFrame, frames: Frames, folder: Path, failures: Sequence[str] = (), tables: Computed | None = None
) -> list[str]:
    """Write every table's data as CSV and every document as Markdown, and LaTeX where it says so, into `folder`.

    A file of an earlier report that has nothing in it now is removed. A table that fails is left out and named.

    failures: what failed before, such as figures. tables: what `computed` returned; None to compute it here. Returns
    the failures and the tables that failed, as the main document names them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    failures = list(failures)
    _modules(failures)
    tables = computed(comparison, frames, failures) if tables is None else tables
    documents: dict[str, dict[str, tuple[ModuleType, DataFrame]]] = {}
    for name, module in found().items():
        if hasattr(module, "data"):
            _csv(tables[name], folder / f"{name}.csv")
        documents.setdefault(module.DOCUMENT, {})[name] = (module, tables[name])
    # The document that names the failures comes last.
    for document in sorted(documents, key=lambda name: name == MAIN):
        _write_document(document, documents[document], frames, folder, failures)
    return failures


def _write_document(
    document: str, tables: dict[str, tuple[ModuleType, DataFrame]], frames: Frames, folder: Path, failures: list[str]
) -> None:
    forms = {form for module, _ in tables.values() for form in getattr(module, "FORMS", FORMS)}
    parts = {dataset: _part(frames.of(dataset), dataset, tables, failures) for dataset in frames.datasets}
    said = failed(failures) if document == MAIN else []
    for form, writer in WRITERS.items():
        shown = {name: part for name, part in parts.items() if form in forms and (part[0] or said)}
        texts = [writer(name, sheets, [*said, *notes]) for name, (sheets, notes) in shown.items()]
        _text("\n".join(texts), folder / f"{document}.{form}")


def failed(failures: Sequence[str]) -> list[str]:
    """One sentence per failure."""
    return [f"NOT IN THIS REPORT, since it failed: {failure}." for failure in dict.fromkeys(failures)]


def _part(
    frames: Frames, dataset: str, tables: dict[str, tuple[ModuleType, DataFrame]], failures: list[str]
) -> tuple[list[Sheet], list[str]]:
    """The sheets of one data set in a document, and what is said below them."""
    sheets, notes = [], []
    for name, (module, rows) in tables.items():
        if rows is None:
            continue
        own, what = rows[rows.dataset == dataset], f"table {name} of {dataset}"
        if len(own) or getattr(module, "EVEN_EMPTY", False):
            sheets += attempt(what, failures, [], module.sheets, frames, own)
            notes += attempt(what, failures, [], module.notes, frames, own) if hasattr(module, "notes") else []
    return signed(sheets, frames), [*mark_notes(frames), *notes, caption.origin(frames)]


def _csv(table: DataFrame | None, path: Path) -> None:
    if table is None:
        path.unlink(missing_ok=True)
    else:
        words = table.select_dtypes(exclude="number").columns
        table = table.assign(**{name: table[name].map(_no_formula) for name in words})
        text = table.to_csv(index=False, float_format="%.6g", lineterminator="\n")
        atomic.write(path, text.encode("utf-8", "backslashreplace"))


def _no_formula(value: object) -> object:
    """The value; a text that a spreadsheet would compute as a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) and not _is_number(value) else value


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _text(text: str, path: Path) -> None:
    if text:
        atomic.write(path, text.encode("utf-8", "backslashreplace"))
    else:
        path.unlink(missing_ok=True)
