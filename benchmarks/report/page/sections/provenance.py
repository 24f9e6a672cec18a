"""Where every number comes from: records, commits, machines, versions, and commands that make them again."""

from __future__ import annotations

import shlex

import pandas as pd

from benchmarks.report.formats import DASH
from benchmarks.report.page.blocks import Block, Listing, Prose, Value, heads
from benchmarks.report.page.run import Run

ORDER, TITLE = 150, "Provenance of every number"
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
    return [Prose([said]), Listing(run.id("records"), "Records", heads(HEADS), rows, hidden=["versions"])]


def _date(made: str | None) -> str:
    return DASH if pd.isna(made) else str(made)[:16].replace("T", " ")


def _command(cell) -> str:
    """The command line that makes the records of a cell's method again."""
    if pd.isna(cell.preset):
        return DASH
    variant = str(cell.variant).partition(" [")[0]
    return f"python -m benchmarks run {shlex.quote(cell.preset)} --paradigm {shlex.quote(variant)}"
