"""Notices records that appear in a results folder, whichever process on whichever machine has written them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.plan.cell import Cell
from benchmarks.store import records

Identity = list[int] | None  # inode, modification time and size of a file; None where there is none


class Arrivals:
    """The records of cells that have been written since it was made.

    results_dir: results folder.
    cells: those to notice. A record that one has already, such as that of an earlier failure, does not count.
    before: stem -> identity of the record that does not count; None for those that are there now.
    """

    def __init__(self, results_dir: Path, cells: Sequence[Cell], before: Mapping[str, Identity] | None = None):
        self.results_dir = results_dir
        self.before = before or {cell.stem: self._identity(cell) for cell in cells}

    def record_of(self, cell: Cell) -> dict | None:
        """The new record of a cell; None where there is none."""
        found = self._identity(cell)
        if found is None or found == self.before[cell.stem]:
            return None
        try:
            record = records.read(records.path_of(self.results_dir, cell))
        except records.DamagedRecord:
            return None
        return record if record["key"] == cell.key else None

    def _identity(self, cell: Cell) -> Identity:
        try:
            found = os.stat(records.path_of(self.results_dir, cell))
        except OSError:
            return None
        return [found.st_ino, found.st_mtime_ns, found.st_size]
