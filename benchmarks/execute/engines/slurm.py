"""Runs cells as array jobs of Slurm, each task of which is the process of one cell.

Jobs are submitted once and then watched: by the records that appear, by `squeue` and, where the site keeps accounts, by
`sacct`. They go on without this process, so that Ctrl-C and a lost connection end nothing; the same command watches
them again. The folders of results and data must be shared by all nodes.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.execute import capacity, node
from benchmarks.execute.arrivals import Arrivals
from benchmarks.execute.engines import ATTEMPTS, RunObserver
from benchmarks.execute.engines.remote_cell import RemoteCell
from benchmarks.execute.failure import failure
from benchmarks.execute.work import Work
from benchmarks.plan.cell import Cell
from benchmarks.rank_nodes import NODES
from benchmarks.store import records

WATCH_SECONDS = 2.0
QUEUE_SECONDS = 10.0
MARGIN_SECONDS = 300  # of the job's time limit over the cell's, for start-up
ARRAY_SIZE = 1001  # Slurm's default for MaxArraySize
NOT_ITS_FAULT = ("PREEMPTED", "NODE_FAIL", "BOOT_FAIL")  # states after which a cell has not used up an attempt


class Slurm:
    """Submits cells and watches them; the arguments are those of `Local`.

    options: of sbatch, as KEY=VALUE.
    """

    where = ", on Slurm"

    def __init__(
        self,
        results_dir: Path,
        jobs: int | None = None,
        *,
        data_dir: Path | None = None,
        worker: str,
        options: Sequence[str] = (),
    ):
        self.results_dir, self.jobs, self.worker = results_dir.resolve(), jobs, worker
        self.data_dir, self.options = data_dir.resolve() if data_dir else None, options
        if wrong := next((option for option in options if not re.match("[a-z][a-z-]*(=|$)", option)), None):
            raise BadInput(f"--slurm {wrong!r}: must be KEY=VALUE of an option of sbatch, such as partition=gpu")
        self.folder = self.results_dir / ".work" / "slurm"
        self.tasks: dict[str, RemoteCell] = {}  # "JOB_INDEX" -> its cell
        self.attempts: Counter[str] = Counter()
        self.unseen: set[str] = set()

    def slots(self, cell: Cell) -> int:
        """Cells that train or score at a time: as many as the cluster has CPUs, at most `jobs`."""
        found = re.search(r"(\d+)$", (_slurm("sinfo", "-h", "-o", "%C") or "").strip())
        most = max(1, int(found[1]) // (cell.threads * cell.devices)) if found else None
        return min(filter(None, (self.jobs, most)), default=1)

    def script(self, cells: Sequence[Cell], specs: Path) -> str:
        """The batch script of an array with one task per cell.

        cells: of one kind; all need the same.
        specs: file that lists their specifications, one a line.
        """
        cell, most = cells[0], 1 if cells[0].kind == "timing" else self.jobs
        nodes = self._nodes(cell)
        devices = cell.devices // nodes  # of a node
        limit = -(-(max(one.limit_seconds for one in cells) + MARGIN_SECONDS) // 60)
        options = [
            "job-name=alexnet-moment",
            f"array=0-{len(cells) - 1}" + (f"%{most}" if most else ""),
            f"cpus-per-task={cell.threads * devices}",
            f"time={limit:.0f}",
            f"output={shlex.quote(f'{self.folder}/%A_%a.txt')}",
            "open-mode=append",
            "requeue",
            "signal=B:TERM@60",
        ]
        options += ["ntasks-per-node=1"] if nodes > 1 else ["nodes=1"] if devices > 1 else []
        options += [f"gpus{'-per-node' if nodes > 1 else ''}={devices}"] if cell.device == "cuda" else []
        options += [f"mem={capacity.cell_bytes(cell) * devices >> 20}M"] if cell.memory_gib else []  # of a node
        lines = ["#!/bin/bash", *(f"#SBATCH --{option}" for option in [*options, *self.options])]
        lines += [f"export PYTHONPATH={shlex.quote(node.import_path())}"]
        lines += [f"export {NODES}={nodes}"] if nodes > 1 else []
        lines += [f'spec=$(sed -n "$((SLURM_ARRAY_TASK_ID + 1))p" {shlex.quote(str(specs))})']
        *words, _, worker = node.command(Path(), self.worker)
        return "\n".join([*lines, f'exec {shlex.join(words)} "$spec" {shlex.quote(worker)} $PPID']) + "\n"

    def _nodes(self, cell: Cell) -> int:
        """Nodes of a cell: those of `--slurm nodes=N`, else 1. Raises BadInput where they do not divide its devices."""
        given = [option.partition("=")[2] for option in self.options if re.match("nodes(=|$)", option)] or ["1"]
        allowed = [str(n) for n in range(1, cell.devices + 1) if cell.devices % n == 0]
        if given[-1] not in allowed:
            raise BadInput(
                f"--slurm nodes={given[-1]}: must divide the devices of a cell, of which preset {cell.preset!r} has "
                f"{cell.devices}; allowed: {', '.join(allowed)}; --set devices=N changes the devices"
            )
        return int(given[-1])

    def run(self, cells: Sequence[Cell], watch: RunObserver, arrivals: Arrivals | None = None) -> None:
        """As in `Engine.run`; an exception leaves the jobs in the queue."""
        if not shutil.which("sbatch"):
            raise BadInput("--engine slurm: there is no sbatch here; run it where jobs are submitted")
        self.arrivals = arrivals or Arrivals(self.results_dir, cells)
        self.folder.mkdir(exist_ok=True)
        self._attach(cells)
        waiting = [cell for cell in cells if cell.stem not in {task.cell.stem for task in self.tasks.values()}]
        left, looked, states = {cell.stem: cell for cell in cells}, 0.0, {}
        try:
            while left:
                self._submit_ready(waiting, left)
                for name, task in list(self.tasks.items()):
                    if record := self.arrivals.record_of(task.cell):
                        del self.tasks[name], left[task.cell.stem]
                        watch.finished(task.cell, record, record.get("wall_seconds") or 0.0)
                if time.monotonic() - looked > QUEUE_SECONDS and (found := _states(self._jobs())) is not None:
                    looked, states = time.monotonic(), found
                    waiting += self._lost(states)
                running = [task for name, task in self.tasks.items() if states.get(name) == "RUNNING"]
                queued = [task.cell.place for name, task in self.tasks.items() if states.get(name) != "RUNNING"]
                watch.tick(running, [f"{place}, which is in Slurm's queue" for place in queued] if not running else [])
                time.sleep(WATCH_SECONDS if left else 0)
        except KeyboardInterrupt:
            jobs = " ".join(self._jobs())
            print(
                f"jobs {jobs} go on in Slurm; to watch them, repeat the command; to cancel them: scancel {jobs}",
                file=sys.stderr,
            )
            raise

    def _submit_ready(self, waiting: list[Cell], left: dict[str, Cell]) -> None:
        """Submit the cells whose ancestors have ended, timing cells when no other is left."""
        timing = all(cell.kind == "timing" for cell in left.values())
        unfinished = {cell.trained_stem for cell in left.values()}
        ready = [cell for cell in waiting if (cell.kind == "timing") == timing and cell.ancestor not in unfinished]
        most = _largest_array() if ready else 1
        for start in range(0, len(ready), most):
            self._submit(ready[start : start + most])
        waiting[:] = [cell for cell in waiting if cell not in ready]

    def _submit(self, cells: Sequence[Cell]) -> None:
        works = [Work(self.results_dir, self.data_dir, cell) for cell in cells]
        name = f"{time.time_ns()}"
        specs, script = self.folder / f"{name}.txt", self.folder / f"{name}.sh"
        specs.write_text("".join(f"{node.specify(work, self.arrivals)}\n" for work in works))
        script.write_text(self.script(cells, specs))
        ended = subprocess.run(["sbatch", "--parsable", str(script)], capture_output=True, text=True)
        if ended.returncode:
            raise BadInput(f"sbatch refuses the job: {' '.join(ended.stderr.split())}; script: {script}")
        job = ended.stdout.strip().split(";")[0]
        self.tasks |= {f"{job}_{index}": RemoteCell(work, job) for index, work in enumerate(works)}
        partial = self.folder / f"{job}.tmp"
        partial.write_text(json.dumps([cell.stem for cell in cells]))
        partial.replace(self.folder / f"{job}.json")

    def _attach(self, cells: Sequence[Cell]) -> None:
        """Take over the tasks of an earlier run that are still in the queue."""
        submitted = {path.stem: json.loads(path.read_text()) for path in self.folder.glob("*.json")}
        states, known = _states(list(submitted)) or {}, {cell.stem: cell for cell in cells}
        for job, stems in submitted.items():
            for index, stem in enumerate(stems):
                if f"{job}_{index}" in states and stem in known:
                    work = Work(self.results_dir, self.data_dir, known[stem])
                    self.tasks[f"{job}_{index}"] = RemoteCell(work, job)
            if not any(name.partition("_")[0] == job for name in states):
                (self.folder / f"{job}.json").unlink(missing_ok=True)

    def _lost(self, states: dict[str, str]) -> list[Cell]:
        """Cells to submit again: their tasks were twice not in the queue, and have left no record."""
        gone = {name for name in self.tasks if name not in states}
        ends = _ends(sorted({name.partition("_")[0] for name in gone & self.unseen}))
        again = []
        for name in gone & self.unseen:
            task, end = self.tasks.pop(name), ends.get(name, "")
            self.attempts[task.cell.stem] += end not in NOT_ITS_FAULT
            if self.attempts[task.cell.stem] < ATTEMPTS and end != "OUT_OF_MEMORY":
                again.append(task.cell)
                continue
            times = f"{self.attempts[task.cell.stem]} times" if end != "OUT_OF_MEMORY" else "by its memory limit"
            record = failure(task.work, 1, time.time() - task.given, False)
            record["status"] = "oom" if end == "OUT_OF_MEMORY" else record["status"]
            said = f", the last time in state {end}" if end else ""
            record["reason"] = f"its job ended {times} without a record{said} (log: {self.folder}/{name}.txt)"
            records.write(task.work.record, record)
            self.tasks[name] = task
        self.unseen = gone
        return again

    def _jobs(self) -> list[str]:
        return sorted({str(task.job) for task in self.tasks.values()})


def _slurm(*command: str) -> str | None:
    """Output of a command of Slurm; None where it fails, as it does while the controller is away."""
    with suppress(OSError, subprocess.TimeoutExpired):
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if ended.returncode == 0:
            return ended.stdout
        if "Invalid job id" in ended.stderr:  # all of them have left the queue
            return ""
    return None


def _states(jobs: Sequence[str]) -> dict[str, str] | None:
    """ "JOB_INDEX" -> state of every task in the queue; None where Slurm does not answer. jobs: whose."""
    listed = _slurm("squeue", "-h", "-r", "-o", "%i %T", "-j", ",".join(jobs)) if jobs else ""
    return None if listed is None else dict(line.split()[:2] for line in listed.splitlines() if line.strip())


def _ends(jobs: Sequence[str]) -> dict[str, str]:
    """ "JOB_INDEX" -> state in which a task has ended; empty where the site keeps no accounts. jobs: whose."""
    listed = _slurm("sacct", "-n", "-X", "-P", "-o", "JobID,State", "-j", ",".join(jobs)) if jobs else ""
    pairs = (line.split("|") for line in (listed or "").splitlines() if "|" in line)
    return {name: state.split()[0] for name, state in pairs if state.strip()}  # such as "CANCELLED by 0"


def _largest_array() -> int:
    found = re.search(r"MaxArraySize\s*=\s*(\d+)", _slurm("scontrol", "show", "config") or "")
    return max(1, (int(found[1]) if found else ARRAY_SIZE) - 1)


ENGINE = Slurm
