"""One run of a preset: prepare it, work off the cells that are not done, write the report."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import records, suite
from benchmarks.errors import BadInput
from benchmarks.executors.local import WORKER, Local
from benchmarks.progress import Progress
from benchmarks.results_dir import claimed
from benchmarks.suite import Cell, Preset


@dataclass(frozen=True)
class Place:
    """Where a run works: device "auto", "cpu" or "cuda"; data_dir None for the default; jobs None for what fits."""

    results_dir: Path
    device: str = "auto"
    data_dir: Path | None = None
    jobs: int | None = None


def plan(preset: Preset, place: Place, build: bool = True) -> list[Cell]:
    """The cells of a preset, after `benchmarks.prepare` has found that they can run. Raises BadInput if they cannot.

    build: also build the scoring networks that are not cached yet.
    """
    data_dir = str(place.data_dir) if place.data_dir else None
    answer = _ask({"preset": preset.model_dump(), "device": place.device, "data_dir": data_dir, "build": build})
    return suite.cells(preset, answer["device"], answer["data_hashes"])


def _ask(request: dict) -> dict:
    # torch stays out of this process, and its warnings out of a message that is to be one line.
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.prepare"]
    ended = subprocess.run(
        command, input=json.dumps(request), stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        answer = json.loads(ended.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise BadInput(f"preparing ended with exit code {ended.returncode}; `doctor` may say why") from None
    if "error" in answer:
        raise BadInput(answer["error"])
    return answer


def execute(cells: Sequence[Cell], place: Place, worker: Sequence[str] = WORKER) -> list[dict]:
    """Work off the cells that are not done; returns the records of all, in the order of `cells`.

    KeyboardInterrupt (SIGTERM and SIGHUP raise it, too) ends the workers first; what is done stays done.
    """
    with claimed(place.results_dir) as lock, _interruptible():
        for line in records.arrange(place.results_dir, cells):
            print(line, file=sys.stderr)
        todo = [cell for cell in cells if not records.done(place.results_dir, cell)]
        jobs = place.jobs or default_jobs(cells[0])
        executor = Local(place.results_dir, jobs, data_dir=place.data_dir, worker=worker, keep_fds=[lock])
        with Progress(todo, len(cells), jobs) as progress:
            executor.run(todo, progress)
    return [records.read(records.path_of(place.results_dir, cell)) for cell in cells]


def default_jobs(cell: Cell) -> int:
    """Cells at a time: one on a GPU, else as many as cores allow, but two at most, since they share the memory."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 1 if cell.device == "cuda" else max(1, min(2, cores // cell.threads))


@contextmanager
def _interruptible() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP raise KeyboardInterrupt, as Ctrl-C does, so that no worker is left behind."""
    before = {number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def finish(results_dir: Path, as_json: bool = False, budget_axis: str | None = None, aa_dir: Path | None = None) -> str:
    """Write tables and figures; returns the comparison for the terminal, or all of it as JSON.

    budget_axis: return the runs read at an equal cost on this axis instead. aa_dir: as in `report.write`.
    """
    from benchmarks import report

    table = report.write(results_dir, aa_dir)
    if budget_axis:
        return report.at_equal(results_dir, budget_axis, as_json)
    return table.to_json(orient="records", indent=1) if as_json else report.summary(table)
