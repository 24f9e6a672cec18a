"""Tables, figures and a page from the records of a results folder; nothing here trains, samples or imports torch."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pandas as pd
from pandas import DataFrame

from benchmarks.errors import BadInput
from benchmarks.report import figures, page, tables
from benchmarks.report.frames import Frames, aa, budgets, read
from benchmarks.report.frames.comparison import comparison
from benchmarks.report.summary import summary
from benchmarks.report.tables.fields import mark_notes, signed
from benchmarks.report.tables.markup import plain
from benchmarks.store import atomic
from benchmarks.store.inside import refuse_links

__all__ = ["at_equal", "summaries", "summary", "to_json", "write", "write_all"]


def write(results_dir: Path, aa_dir: Path | None = None, failures: list[str] | None = None) -> DataFrame:
    """Write `results_dir`/tables, /figures and /report.html from its records, and return the comparison.

    aa_dir: results folder of the A/A study for minimum detectable effects; None for the one that `aa.noise` finds.
    failures: gets a line for everything that fails; None for nobody who reads them.
    What fails is named on standard error, a table or figure in comparison.md too; everything else is written.
    Raises BadInput where there are no records, or the folder cannot be written or has a link that leads out of it.
    """
    return write_all([results_dir], aa_dir, failures)[0]


def write_all(
    folders: Sequence[Path], aa_dir: Path | None = None, failures: list[str] | None = None
) -> list[DataFrame]:
    """The same for several results folders, all of which stand on the page of the first; returns their comparisons."""
    runs, failures = [], [] if failures is None else failures
    for place, folder in enumerate(map(Path, folders), 1):
        refuse_links(folder)
        with _writable(folder):
            runs.append(_written(place, folder, aa_dir, failures))
    with _writable(runs[0].folder):
        failures += page.write(runs, runs[0].folder / page.FILE)
    for line in tables.failed(failures):
        print(line, file=sys.stderr)
    return [run.comparison for run in runs]


def _written(place: int, folder: Path, aa_dir: Path | None, failures: list[str]) -> page.Run:
    """Write the tables and figures of a results folder. failures: gets what failed."""
    frames = read(folder)
    table = comparison(frames, aa.noise(frames, aa_dir))
    failed = figures.write(frames, folder / "figures") or []
    computed = tables.computed(table, frames, failed)
    failures += tables.write(table, frames, folder / "tables", failed, computed)
    atomic.sweep(folder)
    return page.Run(place, frames, table, computed)


@contextmanager
def _writable(folder: Path) -> Iterator[None]:
    """Inside, an error of writing becomes a BadInput that names the results folder."""
    try:
        yield
    except OSError as error:
        raise BadInput(f"results folder {folder}: cannot write the report: {error.strerror}") from None


def summaries(compared: dict[Path, DataFrame]) -> str:
    """`summary` of the comparison of every results folder, under its name where there are several."""
    return _headed({folder: summary(table) for folder, table in compared.items()})


def at_equal(folders: Sequence[Path], axis: str, as_json: bool = False) -> str:
    """`budgets.at_equal` of results folders, for a terminal or as JSON. axis: flops, images or seconds."""
    frames = {folder: read(folder) for folder in folders}
    found = {folder: budgets.at_equal(of_folder, axis) for folder, of_folder in frames.items()}
    if as_json:
        return to_json(found)
    return _headed({folder: _terminal(frames[folder], table, axis) for folder, table in found.items()})


def to_json(tables_: dict[Path, DataFrame]) -> str:
    """Tables of results folders as one in JSON; of several folders each row gets the column `results`."""
    several = len(tables_) > 1
    named = [table.assign(results=str(folder)) if several else table for folder, table in tables_.items()]
    return pd.concat(named, ignore_index=True).to_json(orient="records", indent=1)


def _headed(texts: dict[Path, str]) -> str:
    return "\n\n".join(f"{folder}\n{text}" if len(texts) > 1 else text for folder, text in texts.items())


def _terminal(frames: Frames, table: DataFrame, axis: str) -> str:
    module = tables.found()[f"at_equal_{axis}"]
    parts = [_along(frames.of(dataset), module, table[table.dataset == dataset]) for dataset in frames.datasets]
    return "\n\n".join(text for text in parts if text) or "nothing was measured along training"


def _along(frames: Frames, module: ModuleType, rows: DataFrame) -> str:
    """The sheets of one data set of a table along training, for a terminal."""
    sheets = signed(module.sheets(frames, rows), frames)
    return "\n\n".join([*map(plain, sheets), *(mark_notes(frames) if sheets else [])])
