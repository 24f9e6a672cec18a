"""A cell that an engine has given to another process, perhaps on another machine, seen through the shared folder."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from benchmarks.execute.work import Work
from benchmarks.plan.cell import Cell


@dataclass
class RemoteCell:
    """A cell on a node.

    work: its folder.
    given: time.time() when it was given away.
    job: what the engine knows it by.
    """

    work: Work
    job: object
    given: float = field(default_factory=time.time)

    @property
    def cell(self) -> Cell:
        """Its settings."""
        return self.work.cell

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since a process has claimed it; 0 where none has."""
        began = [found.stat().st_mtime for found in self.work.folder.glob("spec.json")]
        return max(0.0, time.time() - began[0]) if self.runs() and began else 0.0

    def runs(self) -> bool:
        """Whether a process has claimed it."""
        return any(self.work.folder.glob("claim.*"))

    def progress(self) -> dict:
        """The worker's last report, as in `Work.progress`."""
        return self.work.progress()
