"""Runs cells on this machine, each in a process and a process group of its own.

A cell's settings are written to .work/<cell>/spec.json for its process; its record appears in cells/. Whatever ends a
process, its cell has a record: its own, or one written here with the reason.
"""

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
    """A cell whose worker process has been started.

    cell: its settings.
    work_dir: folder of its specification, log, progress and checkpoint.
    process: the worker.
    started: time.monotonic() at the start.
    stopped: time.monotonic() when SIGTERM was sent because of the time limit; None before.
    """

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
        """The worker's last report: phase, fraction in 0..1 and more; empty before its first report."""
        try:
            return json.loads((self.work_dir / "progress.json").read_text())
        except (OSError, ValueError):
            return {}

    def signal(self, number: int) -> None:
        """Send a signal to the worker and its child processes."""
        with suppress(ProcessLookupError, PermissionError):
            return os.killpg(self.process.pid, number)
        # A worker that has just been forked has no group yet.
        if self.process.exitcode is None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, number)


class RunObserver(Protocol):
    """Interface of what follows a run, such as the progress display."""

    def finished(self, job: RunningCell, record: dict) -> None:
        """Called when a cell has ended, successfully or not, with its record."""

    def tick(self, jobs: Sequence[RunningCell]) -> None:
        """Called many times a second with the cells that are running."""


class Local:
    """Runs cells in child processes: first those that train or score, then timing cells one at a time.

    results_dir: results folder.
    jobs: cells that train or score at a time.
    data_dir: folder of the data sets; None for the default.
    worker: name of the module whose `main(spec path)` runs a cell.
    grace_seconds: time between SIGTERM and SIGKILL.
    keep_fds: file descriptors that workers inherit.
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
        """Run cells until each has a record.

        cells: each after the one whose weights it starts from.
        watch: is called with every record and, many times a second, with the running cells.

        An exception, such as KeyboardInterrupt, ends the workers before it is passed on.
        """
        try:
            self._run_all([cell for cell in cells if cell.kind != "timing"], self.jobs, watch)
            self._run_all([cell for cell in cells if cell.kind == "timing"], 1, watch)
        finally:
            self._end_workers()

    def _run_all(self, cells: Sequence[Cell], jobs: int, watch: RunObserver) -> None:
        waiting = list(cells)
        while waiting or self.running:
            while len(self.running) < jobs and (cell := self._ready(waiting)):
                waiting.remove(cell)
                self.running.append(self._start(cell))
            for job in list(self.running):
                if job.process.exitcode is None:
                    self._enforce_limit(job)
                else:
                    record = self._record_of(job)
                    self.running.remove(job)
                    watch.finished(job, record)
            watch.tick(self.running)
            time.sleep(POLL_SECONDS)

    def _ready(self, waiting: Sequence[Cell]) -> Cell | None:
        """The first cell whose ancestor, the cell that it starts from, has ended; None if there is none."""
        unfinished = {cell.trained_stem for cell in [*waiting, *(job.cell for job in self.running)]}
        return next((cell for cell in waiting if cell.ancestor not in unfinished), None)

    def _start(self, cell: Cell) -> RunningCell:
        work_dir = self.results_dir / ".work" / cell.work_stem
        work_dir.mkdir(parents=True, exist_ok=True)
        # The record and progress of an earlier attempt must not be taken for those of this one.
        records.path_of(self.results_dir, cell).unlink(missing_ok=True)
        (work_dir / "progress.json").unlink(missing_ok=True)
        spec = work_dir / "spec.json"
        spec.write_text(json.dumps({"cell": cell.model_dump(), **self.folders}, indent=1))
        process = fork_server.start(self.worker, spec, work_dir / "log.txt", self.keep_fds)
        return RunningCell(cell, work_dir, process, time.monotonic())

    def _enforce_limit(self, job: RunningCell) -> None:
        if job.stopped is None and job.seconds > job.cell.limit_seconds:
            job.stopped = time.monotonic()
            job.signal(signal.SIGTERM)
        elif job.stopped is not None and time.monotonic() - job.stopped > self.grace_seconds:
            job.signal(signal.SIGKILL)

    def _record_of(self, job: RunningCell) -> dict:
        """The record of an ended worker.

        Its own record if that says done or the time limit was not reached; else one with the reason, which is written.
        """
        job.signal(signal.SIGKILL)
        path = records.path_of(self.results_dir, job.cell)
        try:
            record = records.read(path)
        except records.DamagedRecord:
            record = None
        if record and record["key"] == job.cell.key and (record["status"] == "done" or job.stopped is None):
            return record
        records.write(path, record := _failure_record(job))
        return record

    def _end_workers(self) -> None:
        """End all workers; unfinished cells keep no record, so that the next run resumes them."""
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


def _failure_record(job: RunningCell) -> dict:
    """A record with status and reason for a cell whose worker ended without one."""
    cell, code = job.cell, job.process.exitcode
    if job.stopped is not None:
        status, reason = "timeout", f"not done within {cell.limit_seconds:g} s"
    elif code == -signal.SIGKILL:
        status, reason = "oom", "killed from outside (SIGKILL), as the kernel does when memory runs out"
    elif code < 0:
        requested = -code in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        status, reason = "interrupted" if requested else "failed", f"ended by {signal.Signals(-code).name}"
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
