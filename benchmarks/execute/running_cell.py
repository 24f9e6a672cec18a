"""A cell whose worker process runs on this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass

from benchmarks.execute.claims import Claim
from benchmarks.execute.fork_server import Child
from benchmarks.execute.work import Work
from benchmarks.plan.cell import Cell


@dataclass
class RunningCell:
    """A cell whose worker process has been started.

    cell: its settings.
    work: its folder.
    claims: of the cell, and for a timing cell of this machine.
    process: the worker.
    started: time.monotonic() at the start.
    gpu: value of CUDA_VISIBLE_DEVICES; None on the CPU.
    stopped: time.monotonic() when SIGTERM was sent because of the time limit; None before.
    peak_bytes: largest memory of the worker that has been seen.
    """

    cell: Cell
    work: Work
    claims: list[Claim]
    process: Child
    started: float
    gpu: str | None = None
    stopped: float | None = None
    peak_bytes: int = 0

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the start."""
        return time.monotonic() - self.started

    def progress(self) -> dict:
        """The worker's last report, as in `Work.progress`."""
        return self.work.progress()

    def release(self) -> None:
        """Release its claims."""
        for claim in self.claims:
            claim.release()
