"""Runs cells on a Ray cluster; without one, Ray is started on this machine.

A Ray task starts the process of one cell and waits for it; nothing else runs in Ray's workers. The folders of results
and data must be shared by all nodes. A cell whose node or worker ends is run elsewhere, from its last checkpoint.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.execute import capacity, node
from benchmarks.execute.arrivals import Arrivals
from benchmarks.execute.cores import cores
from benchmarks.execute.engines import ATTEMPTS, RunObserver
from benchmarks.execute.engines.remote_cell import RemoteCell
from benchmarks.execute.failure import failure
from benchmarks.execute.work import Work
from benchmarks.plan.cell import Cell
from benchmarks.rank_nodes import HOW
from benchmarks.store import records

WAIT_SECONDS = 0.5
OBJECT_STORE_BYTES = 80 << 20  # tasks exchange nothing but paths; in containers Ray's default may exceed /dev/shm


class Ray:
    """Runs cells as Ray tasks; the arguments are those of `Local`."""

    def __init__(
        self, results_dir: Path, jobs: int | None = None, *, data_dir: Path | None = None, worker: str, options=()
    ):
        self.results_dir, self.jobs, self.worker = results_dir.resolve(), jobs, worker
        self.data_dir = data_dir.resolve() if data_dir else None
        self.ray = _connected()
        self.tasks: dict[object, RemoteCell] = {}
        self.attempts: Counter[str] = Counter()

    @property
    def where(self) -> str:
        """How many nodes the cluster has."""
        return f", on {len(self._nodes())} Ray nodes"

    def slots(self, cell: Cell) -> int:
        """Cells that train or score at a time: those that fit the cluster, at most `jobs`."""
        needs = _resources(cell)
        fit = [min(int(there.get(name, 0) // n) for name, n in needs.items()) for there in self._nodes()]
        return max(1, min(self.jobs or sum(fit), sum(fit)))

    def run(self, cells: Sequence[Cell], watch: RunObserver, arrivals: Arrivals | None = None) -> None:
        """As in `Engine.run`."""
        self.arrivals = arrivals or Arrivals(self.results_dir, cells)
        waiting, unfinished = list(cells), {cell.trained_stem for cell in cells}
        try:
            while waiting or self.tasks:
                for cell in self._ready(waiting, unfinished):
                    waiting.remove(cell)
                    self._submit(cell)
                for task in self._ended():
                    if (record := self._record_of(task)) is None:
                        waiting.insert(0, task.cell)
                        continue
                    unfinished.discard(task.cell.trained_stem)
                    watch.finished(task.cell, record, record.get("wall_seconds") or 0.0)
                running = [task for task in self.tasks.values() if task.runs()]
                idle = [f"{task.cell.place}, which waits for a free Ray node" for task in self.tasks.values()]
                watch.tick(running, [] if running else idle)
        finally:
            for reference in self.tasks:
                self.ray.cancel(reference, force=True)
            self.ray.wait(list(self.tasks), num_returns=len(self.tasks), timeout=10) if self.tasks else None
            self.tasks.clear()
            self.ray.shutdown()

    def _ready(self, waiting: Sequence[Cell], unfinished: set[str]) -> list[Cell]:
        """The cells to submit now; timing cells only when no other is left, and one at a time."""
        timing = all(cell.kind == "timing" for cell in [*waiting, *(task.cell for task in self.tasks.values())])
        ready = [cell for cell in waiting if (cell.kind == "timing") == timing and cell.ancestor not in unfinished]
        most = 1 if timing else self.slots(ready[0]) if ready else 0
        return ready[: max(0, most - len(self.tasks))]

    def _submit(self, cell: Cell) -> None:
        needs = _resources(cell)
        if not any(all(there.get(name, 0) >= n for name, n in needs.items()) for there in self._nodes()):
            wanted = ", ".join(f"{name} {n:g}" for name, n in needs.items())
            have = "; ".join(", ".join(f"{name} {there.get(name, 0):g}" for name in needs) for there in self._nodes())
            several = f"; for devices of several nodes: {HOW}" if cell.devices > 1 else ""
            raise BadInput(
                f"Ray cluster: no node has {wanted}, which {cell.place} needs; the nodes have: {have or '-'}{several}"
            )

        def start(command: list[str], log: str, paths: str) -> int:  # a closure: nodes need not import this module
            import os
            import subprocess

            import ray

            gpus = ",".join(map(str, ray.get_gpu_ids()))  # Ray hides none from a task that asks for none
            variables = os.environ | {"CUDA_VISIBLE_DEVICES": gpus, "PYTHONPATH": paths}
            with open(log, "ab") as file:
                return subprocess.call([*command, str(os.getpid())], env=variables, stdout=file, stderr=file)

        work = Work(self.results_dir, self.data_dir, cell)
        command = node.command(node.specify(work, self.arrivals), self.worker)
        memory = {"memory": needs["memory"]} if "memory" in needs else {}
        remote = self.ray.remote(start).options(
            num_cpus=needs["CPU"], num_gpus=needs.get("GPU", 0), max_retries=0, name=cell.place, **memory
        )
        self.tasks[remote.remote(command, str(work.folder / "node.txt"), node.import_path())] = RemoteCell(work, None)

    def _ended(self) -> list[RemoteCell]:
        """The tasks that have ended, in whatever way."""
        if not self.tasks:
            return []
        ended, _ = self.ray.wait(list(self.tasks), num_returns=len(self.tasks), timeout=WAIT_SECONDS)
        for reference in ended:
            with suppress(self.ray.exceptions.RayError):  # its node or its worker has ended
                self.ray.get(reference)
        return [self.tasks.pop(reference) for reference in ended]

    def _record_of(self, task: RemoteCell) -> dict | None:
        """The record of an ended task; None where the cell is to run again."""
        if record := self.arrivals.record_of(task.cell):
            return record
        self.attempts[task.cell.stem] += 1
        if self.attempts[task.cell.stem] < ATTEMPTS:
            return None
        record = failure(task.work, 1, time.time() - task.given, False)
        record["reason"] = f"its Ray node or worker has ended {ATTEMPTS} times (log: {task.work.folder / 'node.txt'})"
        records.write(task.work.record, record)
        return record

    def _nodes(self) -> list[dict]:
        return [one["Resources"] for one in self.ray.nodes() if one["Alive"] and one["Resources"].get("CPU")]


def _resources(cell: Cell) -> dict[str, float]:
    needs = {"CPU": float(cell.threads * cell.devices)}
    needs |= {"GPU": float(cell.devices)} if cell.device == "cuda" else {}
    return needs | ({"memory": float(capacity.cell_bytes(cell) * cell.devices)} if cell.memory_gib else {})


def _connected():
    """The module `ray`, connected to a running cluster, else to one that is started on this machine."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise BadInput(
            "--engine ray: Ray is not installed; install it with: pip install 'alexnet-moment[ray]'"
        ) from None
    quiet = {"log_to_driver": False, "logging_level": "error"}
    if ray.is_initialized():
        return ray
    try:
        ray.init(os.environ.get("RAY_ADDRESS", "auto"), **quiet)
    except ConnectionError:
        if "RAY_ADDRESS" in os.environ:
            raise BadInput(f"--engine ray: no cluster answers at RAY_ADDRESS={os.environ['RAY_ADDRESS']}") from None
        here = {"num_cpus": cores(), "num_gpus": len(capacity.gpus()), "object_store_memory": OBJECT_STORE_BYTES}
        ray.init("local", include_dashboard=False, **here, **quiet)
    return ray


ENGINE = Ray
