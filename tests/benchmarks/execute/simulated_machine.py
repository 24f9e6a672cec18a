"""The engine of one machine in simulated time: cells are stubs that end after a given number of simulated seconds.

Everything but the workers and the clock is real: order, claims, records, waiting, the loop of the engine.
"""

import os
import time
from contextlib import ExitStack
from itertools import count
from types import SimpleNamespace
from unittest.mock import patch

from benchmarks.execute import fork_server, running_cell
from benchmarks.execute.engines import local
from benchmarks.execute.engines.local import Local
from benchmarks.execute.schedule import Durations, ordered
from benchmarks.execute.work import Work
from benchmarks.store import records

TRAINING = 0.6  # share of a cell's time; the rest is scoring


class SimulatedMachine:
    """A machine on which a cell takes `seconds[cell.stem]`.

    cores: cells at a time.
    engine_counts: whether the processor time of the engine itself passes on the clock, too.
    """

    def __init__(self, cores, seconds, engine_counts=False):
        self.cores, self.seconds, self.engine_counts = cores, seconds, engine_counts
        self.now, self.pids = 0.0, count(2**30)
        self.running, self.ended = [], {}  # stubs; stem -> moment
        self.apart, self.resumed = 0.0, time.process_time()  # processor time of the stubs; since when the engine runs

    def monotonic(self):
        """Simulated seconds since the start."""
        return self.now + (time.process_time() - self.resumed - self.apart if self.engine_counts else 0.0)

    def run(self, results_dir, cells, watch):
        """Run cells, in the order in which a run would start them."""
        clock = SimpleNamespace(monotonic=self.monotonic, sleep=self.wait)
        (results_dir / ".work").mkdir(exist_ok=True)
        with ExitStack() as stack:
            for owner, name, new in (
                (local, "time", clock),
                (running_cell, "time", clock),
                (local, "select", SimpleNamespace(select=lambda *found: self.wait(found[-1]))),
                (os, "fsync", lambda fd: None),  # a stub's record need not survive a power cut
                (fork_server, "start", self.start),
                (running_cell.RunningCell, "progress", lambda job: self.progress(job)),
            ):
                stack.enter_context(patch.object(owner, name, new))
            Local(results_dir, self.cores, worker="stub").run(ordered(cells, Durations()), watch)
        return self.monotonic()

    def start(self, worker, spec, log, variables):
        """In place of `fork_server.start`."""
        cell = Work.of_spec(spec).cell
        child = Stub(self, Work.of_spec(spec), next(self.pids), self.monotonic() + self.seconds[cell.stem])
        self.running.append(child)
        return child

    def wait(self, limit_seconds):
        """Let time pass until a cell ends, or for the limit."""
        began = time.process_time()
        now = self.monotonic()
        due = min([child.ends for child in self.running] + [now + limit_seconds])
        self.now += max(0.0, due - now)
        for child in [child for child in self.running if child.ends <= due]:
            self.running.remove(child)
            child.end()
        self.apart += time.process_time() - began

    def progress(self, job):
        """In place of a worker's report: the true fraction of its phase."""
        fraction = 1 - (job.process.ends - self.monotonic()) / self.seconds[job.cell.stem]
        if fraction < TRAINING:
            return {"phase": "training", "fraction": fraction / TRAINING}
        return {"phase": "scoring", "fraction": (fraction - TRAINING) / (1 - TRAINING)}


class Stub:
    """In place of a worker's process."""

    lost, exitcode = False, None

    def __init__(self, machine, work, pid, ends):
        self.machine, self.work, self.pid, self.ends = machine, work, pid, ends

    def end(self):
        """Write the record and end."""
        self.exitcode, self.machine.ended[self.work.cell.stem] = 0, self.ends
        cost = {"seconds": TRAINING * self.machine.seconds[self.work.cell.stem]}
        records.write(self.work.record, records.opening(self.work.cell, "done") | {"training": cost})

    def send(self, number):
        """It ends by itself."""

    def join(self):
        """It has ended."""
