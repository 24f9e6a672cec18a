"""Writes the report while a run goes on: whenever a further seed of all variants is complete."""

from __future__ import annotations

import select
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.execute import drawing, fork_server
from benchmarks.execute.engines import Running, RunObserver
from benchmarks.plan.cell import Cell


class EarlyReport:
    """Follows a run in place of another observer, to which it passes everything on.

    The last seed is left to the report at the end of the run.

    watch: the other observer.
    results_dir: results folder.
    todo: cells that will run.
    """

    def __init__(self, watch: RunObserver, results_dir: Path, todo: Sequence[Cell]):
        self.watch, self.results_dir = watch, results_dir
        self.left = [cell for cell in todo if cell.kind != "timing"]
        self.child: fork_server.Child | None = None
        self.due = False

    def __enter__(self) -> EarlyReport:
        return self

    def __exit__(self, *_) -> None:
        if self.child is not None:
            fork_server.end(self.child)

    def finished(self, cell: Cell, record: dict, seconds: float) -> None:
        """Note that a report is due where the cell is the last one of its seed."""
        self.watch.finished(cell, record, seconds)
        if cell in self.left:
            self.left.remove(cell)
            self.due |= bool(self.left) and all(other.repetition > cell.repetition for other in self.left)

    def tick(self, running: Sequence[Running], waits: Sequence[str]) -> None:
        """Start the report that is due, unless one is being written or cells are being timed."""
        self.watch.tick(running, waits)
        if self.child is not None and select.select([self.child.channel], [], [], 0)[0]:
            try:
                fork_server.receive(self.child)
            except (BadInput, ChildProcessError) as error:
                print(f"no report yet: {error}", file=sys.stderr)
            fork_server.end(self.child)
            self.child = None
        if self.due and self.left and self.child is None:
            self.due = False
            request = {"folders": [self.results_dir]}
            self.child = fork_server.begin(drawing.__name__, request)
