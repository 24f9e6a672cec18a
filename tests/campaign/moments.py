"""When to kill a run: within the time that it would still take, by what unharmed runs have taken."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from benchmarks.store import records
from tests.campaign.killed_run import cells, start

LATEST = 0.9  # of the time that a run would still take; much later it has often ended
RECOVERY = 1.05
POLL_SECONDS = 0.005

Found = TypeVar("Found")


class Moments:
    """Knows how long runs take on this computer with its other work.

    folder: where two unharmed runs work, of which the first one fills the caches; `report` in it holds records.
    log: file of their output.
    """

    def __init__(self, folder: Path, log: Path):
        self.unharmed = folder / "unharmed"
        for place in (folder / "first", self.unharmed):
            self.start_up, self.whole = _timed(start(place, log, "unharmed"), place)
        self.folder, self.log, self.pace = folder, log, 1.0

    @cached_property
    def report(self) -> float:
        """Seconds of an unharmed report, which takes longer than a run and is written once some are to be killed."""
        return _timed(start(self.folder, self.log, "unharmed", report=self.folder / "report"), self.folder)[1]

    def seconds_left(self, folder: Path, report: Path | None = None) -> float:
        """Seconds that a run would take now.

        folder: where it works; cells that are done there take no time.
        report: the folder whose report it writes instead; None for cells.
        """
        if report:
            return self.report * self.pace
        share = sum(not records.done(folder, cell) for cell in cells()) / len(cells())
        return (self.start_up + share * (self.whole - self.start_up)) * self.pace

    def wait(
        self,
        process: subprocess.Popen,
        target: Callable[[], Found],
        seconds: float,
        begun: Callable[[], object] = lambda: True,
    ) -> Found | None:
        """What to kill, once the moment has come; None where the run has ended before, and then the next moment is
        earlier.

        process: the run.
        target: what to kill; false where there is none now, and then it is waited for.
        seconds: time from now, or from when `begun` is true, as a random share of `seconds_left`.
        """
        began, planned = None, LATEST * seconds
        while process.poll() is None:
            if began is None and begun():
                began = time.monotonic()
            if began is not None and time.monotonic() - began >= planned and (found := target()):
                self.pace = min(1.0, RECOVERY * self.pace)
                return found
            time.sleep(POLL_SECONDS)
        took = time.monotonic() - began if began is not None else 0.0
        self.pace *= min(1.0, max(0.5, took / planned)) if planned else 1.0
        return None


def _timed(process: subprocess.Popen, folder: Path) -> tuple[float, float]:
    """Seconds until the first cell of a run has started, and until its end. Raises RuntimeError where it fails."""
    began, start_up = time.monotonic(), None
    while process.poll() is None:
        if start_up is None and any((folder / "pids").glob("*")):
            start_up = time.monotonic() - began
        time.sleep(POLL_SECONDS)
    if process.returncode:
        raise RuntimeError(f"the run that nobody killed has failed in {folder}")
    whole = time.monotonic() - began
    return start_up if start_up is not None else whole, whole
