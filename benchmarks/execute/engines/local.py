"""Runs cells on this machine, each in a process and a process group of its own, and several at a time.

It holds the claim of a cell while it runs, and leaves cells that another run has claimed to that run. Whatever ends a
process, its cell has a record: its own, or one written here with the reason.
"""

from __future__ import annotations

import select
import signal
import socket
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from benchmarks.execute import capacity, fork_server
from benchmarks.execute.arrivals import Arrivals
from benchmarks.execute.claims import BEAT_SECONDS, Claim, Claims
from benchmarks.execute.engines import ATTEMPTS, RunObserver
from benchmarks.execute.failure import failure
from benchmarks.execute.running_cell import RunningCell
from benchmarks.execute.schedule import Durations, ordered
from benchmarks.execute.work import Work
from benchmarks.plan.cell import Cell
from benchmarks.store import records

WORKER = "benchmarks.worker"
POLL_SECONDS = 0.2
NOTICE_SECONDS = 1.0  # between two looks for records of cells that others run


class Local:
    """Runs cells in child processes: first those that train or score, then timing cells one at a time.

    results_dir: results folder.
    jobs: cells that train or score at a time; None for one per GPU, else as many as cores and free memory allow.
    data_dir: folder of the data sets; None for the default.
    worker: name of the module whose `main(spec path)` runs a cell.
    grace_seconds: time between SIGTERM and SIGKILL.
    options: of this engine there are none.
    """

    where = ""

    def __init__(
        self,
        results_dir: Path,
        jobs: int | None = None,
        *,
        data_dir: Path | None = None,
        worker: str = WORKER,
        grace_seconds: float = 5.0,
        options: Sequence[str] = (),
    ):
        self.results_dir, self.jobs, self.worker = results_dir.resolve(), jobs, worker
        self.data_dir = data_dir.resolve() if data_dir else None
        self.grace_seconds = grace_seconds
        self.claims = Claims(self.results_dir / ".work")
        self.durations, self.peak_bytes = Durations(), 0
        self.running: list[RunningCell] = []
        self.waiting: list[Cell] = []
        self.unfinished: set[str] = set()  # trained stems
        self.elsewhere: dict[str, float] = {}  # stem -> when to try its claim again
        self.lost: Counter[str] = Counter()
        fork_server.import_once([worker])

    def run(self, cells: Sequence[Cell], watch: RunObserver, arrivals: Arrivals | None = None) -> None:
        """Run cells until each has a record, as in `Engine.run`; cells that others have claimed are waited for."""
        self.arrivals = arrivals or Arrivals(self.results_dir, cells)
        self.waiting = list(cells)
        self.unfinished = {cell.trained_stem for cell in cells}
        renewed = time.monotonic()
        try:
            while self.waiting or self.running:
                self.claims.folder.stat()  # raises where the results folder was removed
                while (cell := self._next(watch)) is not None:
                    self.running.append(cell)
                watch.tick(self.running, self._waits())
                self._wait()
                for job in list(self.running):
                    self._look_after(job, watch)
                if time.monotonic() - renewed > BEAT_SECONDS:
                    renewed = time.monotonic()
                    self._renew()
        finally:
            self._end_workers()

    def _wait(self) -> None:
        """Until a worker ends, but not long."""
        alive = [job.process for job in self.running if job.process.exitcode is None]
        if len(alive) == len(self.running):
            select.select(alive, [], [], POLL_SECONDS)

    def _waits(self) -> list[str]:
        names = {cell.work_stem: cell.place for cell in self.waiting if cell.stem in self.elsewhere}
        return [] if self.running else [f"{place}, which {self.claims.holder(n)} runs" for n, place in names.items()]

    def _next(self, watch: RunObserver) -> RunningCell | None:
        """Start the first cell that may start now; None where there is none."""
        timing = all(cell.kind == "timing" for cell in [*self.waiting, *(job.cell for job in self.running)])
        for cell in list(self.waiting):
            if len(self.running) >= (1 if timing else self.slots(cell)) or not self._has_memory(cell):
                return None
            if (cell.kind == "timing") != timing or cell.ancestor in self.unfinished:
                continue
            if time.monotonic() < self.elsewhere.get(cell.stem, 0.0):
                continue
            if self.running and any(self.lost[one.stem] for one in [cell, *(job.cell for job in self.running)]):
                return None  # alone: what killed the fork server, such as a lack of memory, ends no other cell again
            if job := self._claimed(cell, watch):
                return job
        return None

    def slots(self, cell: Cell) -> int:
        """Number of cells that train or score at a time."""
        return self.jobs or capacity.default_jobs(cell)

    def _has_memory(self, cell: Cell) -> bool:
        """Whether memory is left for a further cell; each is taken to need as much as the largest one seen."""
        if self.jobs or not self.running:
            return True
        needed = (self.peak_bytes or capacity.cell_bytes(cell)) * cell.devices
        return capacity.fits(needed, [job.process.pid for job in self.running])

    def _claimed(self, cell: Cell, watch: RunObserver) -> RunningCell | None:
        """Claim and start a cell; None where another run has it, or has finished it."""
        names = [cell.work_stem, *([f"timing.{socket.gethostname()}"] if cell.kind == "timing" else [])]
        held = [claim for name in names if (claim := self.claims.take(name))]
        record = self.arrivals.record_of(cell)
        if len(held) == len(names) and record is None:
            self.waiting.remove(cell)
            self.elsewhere.pop(cell.stem, None)
            with ExitStack() as on_failure:
                for claim in held:
                    on_failure.callback(claim.release)
                job = self._start(cell, held)
                on_failure.pop_all()
            return job
        for claim in held:
            claim.release()
        if len(held) < len(names):
            self.elsewhere[cell.stem] = time.monotonic() + NOTICE_SECONDS
        else:
            self.waiting.remove(cell)
            self._finish(cell, record, record.get("wall_seconds") or 0.0, watch)
        return None

    def _start(self, cell: Cell, claims: list[Claim]) -> RunningCell:
        work = Work(self.results_dir, self.data_dir, cell)
        work.clear()
        gpu, placement = self._placed(cell)
        variables = {"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}
        process = fork_server.start(self.worker, work.specify(placement=placement), work.log, variables)
        return RunningCell(cell, work, claims, process, time.monotonic(), gpu)

    def _placed(self, cell: Cell) -> tuple[str | None, dict | None]:
        """The GPUs that run the fewest cells, and what the record says of them; twice None on the CPU."""
        if cell.device != "cuda" or not (names := capacity.gpus()):
            return None, None
        used = Counter(name for job in self.running for name in (job.gpu or "").split(","))
        gpu = ",".join(sorted(names, key=lambda name: used[name])[: cell.devices])
        here = min(cell.devices, len(names))  # under Slurm a cell may have further ones on other nodes
        share = 1 if cell.kind == "timing" else -(-self.slots(cell) * here // len(names))
        return gpu, {"gpu": gpu, "cells_per_gpu": share, "mps": capacity.shares_gpu_by_mps()}

    def _look_after(self, job: RunningCell, watch: RunObserver) -> None:
        if job.process.exitcode is None:
            job.peak_bytes = max(job.peak_bytes, capacity.used_bytes(job.process.pid))
            return self._enforce_limit(job)
        self.running.remove(job)
        self.lost[job.cell.stem] += job.process.lost
        if job.process.lost and self.lost[job.cell.stem] < ATTEMPTS:
            job.release()
            self.waiting.insert(0, job.cell)
            return None
        record = self._record_of(job)
        job.release()
        self.peak_bytes = max(self.peak_bytes, job.peak_bytes)
        return self._finish(job.cell, record, job.seconds, watch)

    def _finish(self, cell: Cell, record: dict, seconds: float, watch: RunObserver) -> None:
        self.unfinished.discard(cell.trained_stem)
        if record["status"] == "done" and self.durations.add(cell, seconds):
            self.waiting = ordered(self.waiting, self.durations)
        watch.finished(cell, record, seconds)

    def _enforce_limit(self, job: RunningCell) -> None:
        if job.stopped is None and job.seconds > job.cell.limit_seconds:
            job.stopped = time.monotonic()
            job.process.send(signal.SIGTERM)
        elif job.stopped is not None and time.monotonic() - job.stopped > self.grace_seconds:
            job.process.send(signal.SIGKILL)

    def _renew(self) -> None:
        """Renew the claims; a cell that another run has taken over, because this one was stopped, is left to it."""
        for job in list(self.running):
            if not all([claim.renew() for claim in job.claims]):
                job.process.send(signal.SIGKILL)
                job.process.join()
                self.running.remove(job)
                self.waiting.insert(0, job.cell)

    def _record_of(self, job: RunningCell) -> dict:
        """The record of an ended worker.

        Its own record if that says done or the time limit was not reached; else one with the reason, which is written.
        """
        try:
            record = records.read(job.work.record)
        except records.DamagedRecord:
            record = None
        if record and record["key"] == job.cell.key and (record["status"] == "done" or job.stopped is None):
            return record
        lost = self.lost[job.cell.stem] if job.process.lost else 0
        record = failure(job.work, job.process.exitcode, job.seconds, job.stopped is not None, lost)
        records.write(job.work.record, record)
        return record

    def _end_workers(self) -> None:
        """End all workers; unfinished cells keep no record, so that the next run resumes them."""
        for job in self.running:
            job.process.send(signal.SIGTERM)
        deadline = time.monotonic() + self.grace_seconds
        while any(job.process.exitcode is None for job in self.running) and time.monotonic() < deadline:
            time.sleep(0.02)
        for job in self.running:
            job.process.send(signal.SIGKILL)
            job.process.join()
            if all(claim.renew() for claim in job.claims) and not records.done(self.results_dir, job.cell):
                job.work.record.unlink(missing_ok=True)
            job.release()
        self.running = []


ENGINE = Local
