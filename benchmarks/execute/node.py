"""Runs one cell on the machine on which an engine has started this process: `python -m benchmarks.execute.node`.

It claims the cell as a run on one machine does, keeps its time limit and writes a record of its failure. When this
process gets SIGTERM, or its parent ends, the cell ends, and running it again resumes from its checkpoint.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.execute import processes
from benchmarks.execute.arrivals import Arrivals
from benchmarks.execute.engines import Running
from benchmarks.execute.engines.local import Local
from benchmarks.execute.folder import usable
from benchmarks.execute.signals import ENDING, interruptible
from benchmarks.execute.work import Work
from benchmarks.plan.cell import Cell
from benchmarks.plan.fingerprint import ROOT

SPEC = "node.json"


def command(spec: Path, worker: str) -> list[str]:
    """The command that runs a cell; the process id of its parent is to be added.

    spec: file that `specify` has written.
    worker: name of the module that runs a cell.
    """
    return [sys.executable, "-m", __name__, str(spec), worker]


def import_path() -> str:
    """PYTHONPATH with which the command finds this project, and what this process was told to find."""
    return os.pathsep.join(dict.fromkeys([str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])).rstrip(":")


def specify(work: Work, arrivals: Arrivals) -> Path:
    """Write what a node needs to know of a cell; returns the path of the file.

    work: folder of the cell.
    arrivals: of the engine; a node runs no cell that has a new record already.
    """
    return work.specify(SPEC, before=arrivals.before[work.cell.stem])


class Silent:
    """An observer that shows nothing, since the engine's own process watches."""

    def finished(self, cell: Cell, record: dict, seconds: float) -> None:
        """As in `RunObserver`."""

    def tick(self, running: Sequence[Running], waits: Sequence[str]) -> None:
        """As in `RunObserver`."""


def main(spec: str, worker: str, parent: str) -> None:
    """Run a cell unless it has a new record already.

    spec: path of the file that `specify` has written.
    worker: name of the module that runs a cell.
    parent: process id of the process that has started this one.
    """
    with interruptible():
        processes.die_with(int(parent), ENDING[1])
        work = Work.of_spec(Path(spec))
        before = {work.cell.stem: json.loads(Path(spec).read_text())["before"]}
        with usable(work.results_dir):
            arrivals = Arrivals(work.results_dir, [work.cell], before)
            Local(work.results_dir, 1, data_dir=work.data_dir, worker=worker).run([work.cell], Silent(), arrivals)


if __name__ == "__main__":
    main(*sys.argv[1:])
