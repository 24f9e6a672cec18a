"""The worker: one cell in a process of its own; `python -m benchmarks.worker SPEC.json` runs one by hand.

Its last act is to write the cell's record; a cell that fails writes a record that says why. Success is the record,
never this process's exit code.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from benchmarks import data
from benchmarks.cost.timing import measure_timing
from benchmarks.data.pixels import to_float
from benchmarks.errors import BadInput
from benchmarks.job import Job
from benchmarks.plan.cell import Cell
from benchmarks.score.extractors import cache
from benchmarks.score.leakage_guard import refuse_shared
from benchmarks.score.score import score
from benchmarks.store import provenance, records
from benchmarks.train.train import train
from paradigms.base import NonFinite


class ProgressFile:
    """Tells the parent how far the cell is, about once a second, in a file replaced atomically."""

    def __init__(self, path: Path):
        self.path, self.last = path, 0.0

    def __call__(self, phase: str, fraction: float, **detail) -> None:
        if time.monotonic() - self.last < 1.0:
            return
        self.last = time.monotonic()
        partial = self.path.with_suffix(".tmp")
        partial.write_text(json.dumps({"phase": phase, "fraction": round(fraction, 4), **detail}))
        os.replace(partial, self.path)


def main(spec_path: str) -> int:
    """Run the cell of a spec file and write its record; returns 0 if the record says done."""
    spec = json.loads(Path(spec_path).read_text())
    cell = Cell.model_validate(spec["cell"])
    results_dir = Path(spec["results_dir"])
    started = time.perf_counter()
    record, job = records.opening(cell, "done"), None
    try:
        job = open_job(cell, results_dir, spec)
        record["data_note"] = job.dataset.note or None
        record |= HALVES[cell.kind](job, ProgressFile(job.work_dir / "progress.json"))
    except Exception as error:
        traceback.print_exc()
        first_line = (str(error).splitlines() or [""])[0]
        record |= {"status": _status(error), "reason": f"{type(error).__name__}: {first_line}"}
    record["wall_seconds"] = time.perf_counter() - started
    exclusive, precision = cell.kind == "timing", job.precision if job else None
    record["provenance"] = provenance.provenance(cell.device, cell.threads, exclusive, precision)
    record = records.readable(cell, record)
    records.write(records.path_of(results_dir, cell), record)
    if record["status"] != "done":
        return 1
    (results_dir / ".work" / cell.work_stem / "checkpoint.pt").unlink(missing_ok=True)
    return 0


def train_only(job: Job, progress: Callable) -> dict:
    """Train unless the weights are there; returns the record's `training`."""
    if job.trained.done(job.cell.train_key):
        return {"training": job.trained.report(job.cell.train_key)["training"]}
    refuse_shared(job.build(), job.extractors)
    return {"training": train(job, progress)}


def train_and_score(job: Job, progress: Callable) -> dict:
    """Train unless the weights are there, then score them. `rescored`: whether they were."""
    found = job.trained.done(job.cell.train_key)
    train_only(job, progress)
    return score(job, progress) | {"rescored": found}


HALVES = {"training": train_only, "quality": train_and_score, "timing": measure_timing}


def open_job(cell: Cell, results_dir: Path, spec: dict) -> Job:
    """The cell with its data on its device; `spec` may name data_dir and cache_dir. Raises BadInput where the data are
    not those that the cell is about."""
    torch.set_num_threads(cell.threads)
    threadpool_limits(cell.threads)  # the libraries below NumPy and SciPy
    data_dir, cache_dir = (Path(spec[key]) if spec.get(key) else None for key in ("data_dir", "cache_dir"))
    dataset = data.load(cell.dataset, data_dir)
    if dataset.hash != cell.data_hash:
        raise BadInput(f"data set {cell.dataset}: not the data that this cell is about (their hashes differ)")
    device = torch.device(cell.device)
    scorers = cell.extractors if "samples" in cell.scores and cell.kind != "training" else []
    networks = cache.load_all(dataset, cache_dir, scorers, data_dir)
    networks = tuple(network.to(device) for network in networks)
    x = to_float(torch.from_numpy(dataset.train.images)).to(device)
    label = torch.from_numpy(dataset.train.labels).to(device)
    return Job(cell, results_dir, dataset, networks, device, x, label)


def _status(error: Exception) -> str:
    if isinstance(error, NonFinite):
        return "non_finite"
    return "oom" if isinstance(error, torch.OutOfMemoryError | MemoryError) else "failed"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
