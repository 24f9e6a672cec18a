"""Engines: each starts the processes of cells somewhere, and returns when every cell has a record.

An engine is a file here whose class, ENGINE, has the interface of `Engine`. What a cell computes does not depend on it.
Several engines may work in one results folder at the same time: claims share the cells out.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Protocol

from benchmarks.execute.arrivals import Arrivals
from benchmarks.plan.cell import Cell

ATTEMPTS = 3  # of a cell in one run, where what ended was not the cell but the machine or the process that started it


NAMES = ("local", "ray", "slurm")


def named(name: str) -> type[Engine]:
    """The class of an engine. Raises BadInput where what it needs is not installed.

    name: one of NAMES.
    """
    return importlib.import_module(f"{__name__}.{name}").ENGINE


class Running(Protocol):
    """A cell that an engine has started.

    cell: its settings.
    seconds: wall-clock time since the start.
    """

    cell: Cell

    @property
    def seconds(self) -> float: ...

    def progress(self) -> dict:
        """The worker's last report: phase, fraction in 0..1 and more; empty before its first report."""


class RunObserver(Protocol):
    """Interface of what follows a run, such as the progress display."""

    def finished(self, cell: Cell, record: dict, seconds: float) -> None:
        """Called when a cell has ended, successfully or not, with its record and its wall-clock time."""

    def tick(self, running: Sequence[Running], waits: Sequence[str]) -> None:
        """Called several times a second with the cells that are running, and what else the run waits for, in words."""


class Engine(Protocol):
    """Runs cells.

    where: end of the first line of a run, that says where cells run.
    """

    where: str

    def slots(self, cell: Cell) -> int:
        """Cells that train or score at a time. cell: one of the run; all need the same."""

    def run(self, cells: Sequence[Cell], watch: RunObserver, arrivals: Arrivals | None = None) -> None:
        """Run cells until each has a record.

        cells: in the order in which they should start, each after the one whose weights it starts from.
        watch: is called with every record and, several times a second, with the running cells.
        arrivals: which records count as new; None for those written from now on. It must be made before the cells are
            chosen, or what another run writes meanwhile would not count.

        An exception, such as KeyboardInterrupt, ends what cannot go on without this process before it is passed on.
        """
