"""One run of a preset: prepare it, work off the cells that are not done, write the report."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.execute import fork_server
from benchmarks.execute.claims import claimed
from benchmarks.execute.cores import cores
from benchmarks.execute.local import WORKER, Local
from benchmarks.execute.progress import Progress
from benchmarks.plan import grid
from benchmarks.plan.cell import Cell
from benchmarks.plan.preset import Preset
from benchmarks.store import records

PREPARE, SCORING_NETWORK = "benchmarks.plan.preflight", "benchmarks.execute.build_extractor"


@dataclass(frozen=True)
class Place:
    """Where a run works: device "auto", "cpu" or "cuda"; data_dir None for the default; jobs None for what fits."""

    results_dir: Path
    device: str = "auto"
    data_dir: Path | None = None
    jobs: int | None = None


def plan(preset: Preset, place: Place, build: bool = True) -> list[Cell]:
    """The cells of a preset, after preflight has found that they can run. Raises BadInput if they cannot.

    build: also build the scoring networks that are not cached yet.
    """
    request = {"preset": preset, "device": place.device, "data_dir": place.data_dir, "build": build}
    fork_server.import_once([PREPARE, WORKER])
    try:
        answer = fork_server.ask(PREPARE, request)
        networks = [
            {"dataset": dataset, "kind": kind, "data_dir": place.data_dir} for dataset, kind in answer["unbuilt"]
        ]
        fork_server.ask_all(SCORING_NETWORK, networks, cores())
    except ChildProcessError as error:
        raise BadInput(f"preparing {error}; `doctor` may say why") from None
    return grid.cells(preset, answer["device"], answer["data_hashes"])


def execute(cells: Sequence[Cell], place: Place, worker: str = WORKER) -> list[dict]:
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
    return 1 if cell.device == "cuda" else max(1, min(2, cores() // cell.threads))


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
