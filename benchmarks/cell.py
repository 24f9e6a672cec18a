"""The worker: one cell in a process of its own; `python -m benchmarks.cell SPEC.json` runs one by hand.

Its last act is to write the cell's record; a cell that fails writes a record that says why. Success is the record,
never this process's exit code.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from benchmarks import data, provenance, records
from benchmarks.data import Dataset, extractor
from benchmarks.metrics import to_float
from benchmarks.quality import measure_quality
from benchmarks.suite import Cell
from benchmarks.timing import measure_timing
from paradigms import load
from paradigms.base import NonFinite, Paradigm
from paradigms.parts.shared_network import accelerate


@dataclass
class Job:
    """What a cell works with: its configuration, its folders, its data on the device and how to report progress."""

    cell: Cell
    results_dir: Path
    dataset: Dataset
    extractors: tuple[extractor.Extractor, ...]
    device: torch.device
    x: torch.Tensor
    label: torch.Tensor

    @property
    def work_dir(self) -> Path:
        return self.results_dir / ".work" / self.cell.stem

    def build(self) -> Paradigm:
        """The untrained paradigm on the device, the same for a seed whatever came before."""
        torch.manual_seed(self.cell.seed)
        options = self.cell.options | self.cell.changes
        paradigm = load(self.cell.paradigm)(self.dataset.shape, self.dataset.n_classes, **options)
        paradigm.seed = self.cell.seed
        paradigm.to(self.device)
        accelerate(paradigm, self.cell.compute)
        with torch.no_grad():
            paradigm.observe(self.x, self.label)
        return paradigm.eval()

    def samplers(self, paradigm: Paradigm) -> list[str]:
        """The samplers to measure: those asked for, else the paradigm's first; none if it is not to sample."""
        if not paradigm.can("sample") or "samples" not in self.cell.scores:
            return []
        return list(self.cell.samplers) or [paradigm.samplers[0]]


class Progress:
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
    record = records.opening(cell, "done")
    try:
        job = open_job(cell, results_dir, spec)
        record["data_note"] = job.dataset.note or None
        progress = Progress(job.work_dir / "progress.json")
        measure = measure_timing if cell.kind == "timing" else measure_quality
        record |= measure(job, progress)
    except Exception as error:
        traceback.print_exc()
        first_line = (str(error).splitlines() or [""])[0]
        record |= {"status": _status(error), "reason": f"{type(error).__name__}: {first_line}"}
    record["wall_seconds"] = time.perf_counter() - started
    record["provenance"] = provenance.provenance(cell.device, cell.threads, exclusive=cell.kind == "timing")
    records.write(records.path_of(results_dir, cell), record)
    if record["status"] != "done":
        return 1
    (results_dir / ".work" / cell.stem / "checkpoint.pt").unlink(missing_ok=True)
    return 0


def open_job(cell: Cell, results_dir: Path, spec: dict) -> Job:
    """The cell with its data on its device; `spec` may name data_dir and cache_dir."""
    torch.set_num_threads(cell.threads)
    threadpool_limits(cell.threads)  # the libraries below NumPy and SciPy
    data_dir, cache_dir = (Path(spec[key]) if spec.get(key) else None for key in ("data_dir", "cache_dir"))
    dataset = data.load(cell.dataset, data_dir)
    device = torch.device(cell.device)
    scorers = cell.extractors if "samples" in cell.scores else []
    networks = extractor.load_all(dataset, cache_dir, scorers, data_dir)
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
