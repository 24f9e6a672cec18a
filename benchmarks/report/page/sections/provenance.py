"""Where every number comes from: records, commits, machines, versions, and commands that make them again."""

from __future__ import annotations

import shlex

import pandas as pd

from benchmarks.report.formats import DASH
from benchmarks.report.page.blocks import Block, Listing, Prose, Value, heads
from benchmarks.report.page.run import Run

ORDER, TITLE = 150, "Provenance of every number"
METHODS = ["method", "data set", "records", "first record", "commit", "date", "command"]
HEADS = ["method", "data set", "kind", "seed", "record", "commit", "date", "machine", "versions", "command"]


def blocks(run: Run) -> list[Block]:
    """One row per record."""
    rows = [
        [
            *(run.variant(cell.variant), Value(cell.dataset), Value(cell.kind), Value(f"{cell.repetition}")),
            *(Value(f"{run.name}/cells/{cell.file}"), Value(cell.commit), Value(_date(cell.made))),
            *(Value(cell.machine or DASH), Value(cell.versions or DASH), Value(_command(cell))),
        ]
        for cell in run.frames.cells.itertuples()
    ]
    packed = not (run.folder / "cells").is_dir()
    where = "packed in its cells.jsonl.xz" if packed else "in its folder cells"
    said = (
        f"Results folder: {run.name}; its {len(rows)} records are {where}. A mean of a method is over its records of "
        "kind quality, a time over those of kind timing."
    )
    records = Listing(run.id("records"), "Records", heads(HEADS), rows, hidden=["versions"], printed=False)
    return [Prose([said, *_made_with(run)]), _methods(run), records]


def _methods(run: Run) -> Listing:
    """One row per method and data set: its records in short."""
    found = run.frames.cells.groupby(["dataset", "variant"])
    rows = []
    for dataset in run.frames.datasets:
        for name in run.frames.ordered(run.frames.of(dataset).cells.variant):
            own = found.get_group((dataset, name))
            dates = own.made.dropna().map(_date)
            files = own.file[own.kind.eq("quality")].dropna()
            rows.append(
                [
                    *(run.variant(name), Value(dataset), Value(f"{len(own)}")),
                    Value(f"{run.name}/cells/{files.iloc[0]}" if len(files) else DASH),
                    *(Value(", ".join(sorted(set(own.commit)))), Value(dates.max() if len(dates) else DASH)),
                    Value(_command(own.iloc[0])),
                ]
            )
    return Listing(run.id("methods"), "Methods", heads(METHODS), rows)


def _made_with(run: Run) -> list[str]:
    """The machines and versions of all records."""
    cells = run.frames.cells
    told = (("Machine", cells.machine), ("Versions", cells.versions))
    return [f"{what}: {'; '.join(sorted(set(values.dropna())))}." for what, values in told if values.notna().any()]


def _date(made: str | None) -> str:
    return DASH if pd.isna(made) else str(made)[:16].replace("T", " ")


def _command(cell) -> str:
    """The command line that makes the records of a cell's method again."""
    if pd.isna(cell.preset):
        return DASH
    variant = str(cell.variant).partition(" [")[0]
    return f"python -m benchmarks run {shlex.quote(cell.preset)} --paradigm {shlex.quote(variant)}"
