"""Runs one cell in a process of its own: trains and scores it, or times it, and writes its record.

`execute` starts this module with a file that holds the cell (spec.json); `python -m benchmarks.worker SPEC.json` runs
one by hand. A cell on several devices has a process for each, which the first one starts (`rank_processes`). Keys of a
preset are here as `Cell`, images and scoring networks as `Job`, numbers as the record, which is written last. A cell
that fails writes a record with the reason. Success is a record with status "done", never the exit code of this process.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from benchmarks import data
from benchmarks.cost.timing import measure_timing
from benchmarks.data.pixels import to_float
from benchmarks.errors import BadInput
from benchmarks.global_state import unchanged
from benchmarks.host_images import HostImages, fit_on_device, observed_rows
from benchmarks.job import CHECKPOINT, Job
from benchmarks.plan.cell import Cell
from benchmarks.rank_processes import joined_ranks, started_ranks
from benchmarks.score.contract import outputs
from benchmarks.score.extractors import cache
from benchmarks.score.leakage_guard import refuse_shared
from benchmarks.score.score import score
from benchmarks.store import provenance, records
from benchmarks.train.train import train
from paradigms.base import NonFinite
from paradigms.training.ranks import Ranks

NO_MEMORY = "DefaultCPUAllocator: can't allocate memory"


class ProgressFile:
    """Reports progress to the parent process, at most once a second, in a file that is replaced atomically.

    A call takes phase ("training", for example), fraction in 0..1 and further values to show.
    """

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
    """Run a cell and write its record; returns 0 where the record says "done", else 1.

    spec_path: JSON file with the keys cell, results_dir, data_dir and, optionally, cache_dir.
    """
    # The last line of the log is the reason of a cell that is ended: not Lightning's hint at Slurm, where that is
    # installed, and not the profiler's start and stop.
    warnings.filterwarnings("ignore", message="The `srun` command is available")
    os.environ.setdefault("KINETO_LOG_LEVEL", "6")
    spec = json.loads(Path(spec_path).read_text())
    cell = Cell.model_validate(spec["cell"])
    results_dir = Path(spec["results_dir"])
    started = time.perf_counter()
    record, job = records.opening(cell, "done"), None
    try:
        with started_ranks(cell, Path(spec_path), results_dir / ".work" / cell.work_stem) as ranks:
            job = open_job(cell, results_dir, spec, ranks)
            record["data_note"] = job.dataset.note or None
            with unchanged():
                record |= RUN[cell.kind](job, ProgressFile(job.work_dir / "progress.json"))
    except (Exception, SystemExit) as error:  # a paradigm's code may call sys.exit
        traceback.print_exc()
        first_line = (str(error).splitlines() or [""])[0]
        record |= {"status": _status(error), "reason": f"{type(error).__name__}: {first_line}"}
    record["wall_seconds"] = time.perf_counter() - started
    exclusive, precision = cell.kind == "timing", job.precision if job else None
    if spec.get("placement"):
        record["placement"] = spec["placement"]
    record["provenance"] = provenance.provenance(cell.device, cell.threads, exclusive, precision)
    record = records.readable(cell, record)
    records.write(records.path_of(results_dir, cell), record)
    if record["status"] != "done":
        return 1
    (results_dir / ".work" / cell.work_stem / CHECKPOINT).unlink(missing_ok=True)
    return 0


def follow(spec_path: str, rank: int, port: int, index: int | None = None) -> None:
    """Do the work of a cell as one of its further ranks, without a record.

    spec_path: as in `main`.
    rank, port, index: as in `rank_processes.joined_ranks`.
    """
    spec = json.loads(Path(spec_path).read_text())
    cell, results_dir = Cell.model_validate(spec["cell"]), Path(spec["results_dir"])
    with joined_ranks(cell, rank, port, results_dir / ".work" / cell.work_stem, index) as ranks:
        job = open_job(cell, results_dir, spec, ranks)
        with unchanged():
            RUN[cell.kind](job, lambda *_, **__: None)


def train_only(job: Job, progress: Callable) -> dict:
    """Train the cell unless it has weights already; returns {"training": what training cost}.

    job: of a cell of any kind but "timing".
    progress: as in `ProgressFile`.
    """
    if job.ranks.agree(job.trained.done(job.cell.train_key)):
        return {"training": job.trained.report(job.cell.train_key)["training"]}
    refuse_shared(job.build(), job.extractors)
    return {"training": train(job, progress)}


def train_and_score(job: Job, progress: Callable) -> dict:
    """Train the cell unless it has weights already, then score them; returns the scores and {"rescored": it had}.

    job, progress: as in `train_only`.
    """
    had_weights = job.ranks.agree(job.trained.done(job.cell.train_key))
    train_only(job, progress)
    return score(job, progress) | {"rescored": had_weights}


def measured(job: Job, progress: Callable) -> dict:
    """Time the cell; returns the record's `timing`.

    Timing checks no output, so that nothing but the paradigm is timed. Where it fails, logits are checked as in a
    quality cell, so that both cells of a paradigm name the same cause.

    job: of a timing cell.
    progress: as in `ProgressFile`.
    """
    try:
        return measure_timing(job, progress)
    except Exception:
        paradigm = job.build()
        if paradigm.can("logits"):
            outputs(paradigm, "logits", torch.from_numpy(job.dataset.test.images[:2]))
        raise


RUN = {"training": train_only, "quality": train_and_score, "timing": measured}


def open_job(cell: Cell, results_dir: Path, spec: dict, ranks: Ranks | None = None) -> Job:
    """The cell with its data and scoring networks on its device; sets the number of CPU threads of this process.

    cell: settings.
    results_dir: results folder of the run.
    spec: may hold data_dir and cache_dir; an absent or empty one means the default folder.
    ranks: the processes of the cell; None for this one alone.

    Raises BadInput where the data cannot be loaded or their hash is not the cell's.
    """
    torch.set_num_threads(cell.threads)
    threadpool_limits(cell.threads)  # the libraries below NumPy and SciPy
    data_dir, cache_dir = (Path(spec[key]) if spec.get(key) else None for key in ("data_dir", "cache_dir"))
    dataset = data.load(cell.dataset, data_dir)
    if dataset.hash != cell.data_hash:
        raise BadInput(
            f"data set {cell.dataset}: not the data of this cell (hash {dataset.hash[:8]}, the cell's is "
            f"{cell.data_hash[:8]}); give the folder of the same files with --data-dir"
        )
    device = torch.device(cell.device)
    scorers = cell.extractors if "samples" in cell.scores and cell.kind != "training" else []
    networks = cache.load_all(dataset, cache_dir, scorers, data_dir)
    networks = tuple(network.to(device) for network in networks)
    images, label, split = dataset.train.images, torch.from_numpy(dataset.train.labels).to(device), None
    if fit_on_device(images):
        x = to_float(torch.from_numpy(images)).to(device)
    else:
        split, rows = (HostImages(images, device), label.cpu()), observed_rows(images)
        x, label = split[0][rows], split[1][rows].to(device)
    return Job(cell, results_dir, dataset, networks, device, x, label, ranks=ranks or Ranks(), host_split=split)


def _status(error: BaseException) -> str:
    if isinstance(error, NonFinite):
        return "non_finite"
    # The allocator of the CPU raises a bare RuntimeError.
    out_of_memory = isinstance(error, torch.OutOfMemoryError | MemoryError) or NO_MEMORY in str(error)
    return "oom" if out_of_memory else "failed"


if __name__ == "__main__":
    if len(sys.argv) == 2:
        sys.exit(main(sys.argv[1]))
    follow(sys.argv[1], *map(int, sys.argv[2:]))
