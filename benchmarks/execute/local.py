"""The local executor: every cell is a process of its own on this machine, in its own process group."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol

from benchmarks.execute import fork_server
from benchmarks.plan.cell import Cell
from benchmarks.store import records
from benchmarks.store.provenance import provenance

WORKER = "benchmarks.worker"
POLL_SECONDS = 0.05


@dataclass
class RunningCell:
    """A cell being worked on. stopped: when it was told to stop for exceeding its limit, None before."""

    cell: Cell
    work_dir: Path
    process: BaseProcess
    started: float
    stopped: float | None = None

    @property
    def seconds(self) -> float:
        """Wall-clock seconds since the start."""
        return time.monotonic() - self.started

    def progress(self) -> dict:
        """What the worker last said: phase, fraction in [0, 1] and more; empty while it has said nothing."""
        try:
            return json.loads((self.work_dir / "progress.json").read_text())
        except (OSError, ValueError):
            return {}

    def signal(self, number: int) -> None:
        """Send a signal to the worker and whatever it has started."""
        with suppress(ProcessLookupError, PermissionError):
            return os.killpg(self.process.pid, number)
        # A worker that has just been forked has no group yet.
        if self.process.exitcode is None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)


class RunObserver(Protocol):
    """Who wants to know how a run goes on."""

    def finished(self, job: RunningCell, record: dict) -> None:
        """A cell has ended, well or not, and this is its record."""

    def tick(self, jobs: Sequence[RunningCell]) -> None:
        """These cells are being worked on; called many times a second."""


class Local:
    """Runs cells in child processes: those that train `jobs` at a time, then timing cells one at a time.

    worker: module whose `main(spec path)` runs a cell. keep_fds: descriptors that workers inherit. grace_seconds:
    between asking a worker to end and killing it.
    """

    def __init__(
        self,
        results_dir: Path,
        jobs: int,
        *,
        data_dir: Path | None = None,
        worker: str = WORKER,
        grace_seconds: float = 5.0,
        keep_fds: Sequence[int] = (),
    ):
        self.results_dir, self.jobs, self.worker = results_dir.resolve(), jobs, worker
        self.folders = {"results_dir": str(self.results_dir), "data_dir": str(data_dir.resolve()) if data_dir else None}
        self.grace_seconds, self.keep_fds = grace_seconds, tuple(keep_fds)
        self.running: list[RunningCell] = []
        fork_server.import_once([worker])

    def run(self, cells: Sequence[Cell], watch: RunObserver) -> None:
        """Leave a record of every cell. An exception, such as KeyboardInterrupt, ends the workers before it leaves."""
        try:
            self._run_all([cell for cell in cells if cell.kind != "timing"], self.jobs, watch)
            self._run_all([cell for cell in cells if cell.kind == "timing"], 1, watch)
        finally:
            self._abandon()

    def _run_all(self, cells: Sequence[Cell], jobs: int, watch: RunObserver) -> None:
        waiting = list(cells)
        while waiting or self.running:
            while len(self.running) < jobs and (cell := self._ready(waiting)):
                waiting.remove(cell)
                self.running.append(self._start(cell))
            for job in list(self.running):
                if job.process.exitcode is None:
                    self._limit(job)
                else:
                    record = self._conclude(job)
                    self.running.remove(job)
                    watch.finished(job, record)
            watch.tick(self.running)
            time.sleep(POLL_SECONDS)

    def _ready(self, waiting: Sequence[Cell]) -> Cell | None:
        """The first cell that does not wait for the one that it starts from."""
        unfinished = {cell.trained_stem for cell in [*waiting, *(job.cell for job in self.running)]}
        return next((cell for cell in waiting if cell.ancestor not in unfinished), None)

    def _start(self, cell: Cell) -> RunningCell:
        work_dir = self.results_dir / ".work" / cell.work_stem
        work_dir.mkdir(parents=True, exist_ok=True)
        # What an earlier attempt said must not be taken for this one's.
        records.path_of(self.results_dir, cell).unlink(missing_ok=True)
        (work_dir / "progress.json").unlink(missing_ok=True)
        spec = work_dir / "spec.json"
        spec.write_text(json.dumps({"cell": cell.model_dump(), **self.folders}, indent=1))
        process = fork_server.start(self.worker, spec, work_dir / "log.txt", self.keep_fds)
        return RunningCell(cell, work_dir, process, time.monotonic())

    def _limit(self, job: RunningCell) -> None:
        if job.stopped is None and job.seconds > job.cell.limit_seconds:
            job.stopped = time.monotonic()
            job.signal(signal.SIGTERM)
        elif job.stopped is not None and time.monotonic() - job.stopped > self.grace_seconds:
            job.signal(signal.SIGKILL)

    def _conclude(self, job: RunningCell) -> dict:
        """The record of an ended worker: its own, if it left one and was not told to stop, else one that says why."""
        job.signal(signal.SIGKILL)
        path = records.path_of(self.results_dir, job.cell)
        try:
            record = records.read(path)
        except records.DamagedRecord:
            record = None
        if record and record["key"] == job.cell.key and (record["status"] == "done" or job.stopped is None):
            return record
        records.write(path, record := _obituary(job))
        return record

    def _abandon(self) -> None:
        """End all workers; their cells stay without a record, so that the next run resumes them."""
        for job in self.running:
            job.signal(signal.SIGTERM)
        deadline = time.monotonic() + self.grace_seconds
        while any(job.process.exitcode is None for job in self.running) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        for job in self.running:
            job.signal(signal.SIGKILL)
            job.process.join()
            if not records.done(self.results_dir, job.cell):
                records.path_of(self.results_dir, job.cell).unlink(missing_ok=True)
        self.running = []


def _obituary(job: RunningCell) -> dict:
    """The record of a cell whose worker ended without one."""
    cell, code = job.cell, job.process.exitcode
    if job.stopped is not None:
        status, reason = "timeout", f"not done within {cell.limit_seconds:g} s"
    elif code == -signal.SIGKILL:
        status, reason = "oom", "killed from outside (SIGKILL), as the kernel does when memory runs out"
    elif code < 0:
        asked = -code in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        status, reason = "interrupted" if asked else "failed", f"ended by {signal.Signals(-code).name}"
    else:
        status, reason = "failed", f"ended with exit code {code} and no record"
    if last := _last_line(job.work_dir / "log.txt"):
        reason += f"; last log line: {last}"
    return records.opening(cell, status, reason) | {
        "wall_seconds": job.seconds,
        "provenance": provenance(cell.device, cell.threads, exclusive=cell.kind == "timing"),
    }


def _last_line(log: Path) -> str:
    text = log.read_bytes()[-4096:].decode(errors="replace")
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
