"""The steps of a run: list a preset's cells (`plan`), run unfinished ones (`execute`), write the report (`finish`)."""

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
from benchmarks.store.trained import Trained

PREPARE, SCORING_NETWORK = "benchmarks.plan.preflight", "benchmarks.execute.build_extractor"


@dataclass(frozen=True)
class Place:
    """Where a run works.

    results_dir: folder of records, weights, tables and figures.
    device: "auto", "cpu" or "cuda".
    data_dir: folder of the data sets; None for the default.
    jobs: cells that train or score at a time; None for `default_jobs`.
    """

    results_dir: Path
    device: str = "auto"
    data_dir: Path | None = None
    jobs: int | None = None


def plan(preset: Preset, place: Place, build: bool = True) -> list[Cell]:
    """The cells of a preset, after checks that this machine can run them.

    preset: the grid.
    place: its device and data_dir are used.
    build: whether to train the scoring networks that are not cached yet; without, their hashes are None in the cells.

    Raises BadInput where a cell cannot run.
    """
    request = {"preset": preset, "device": place.device, "data_dir": place.data_dir, "build": build}
    fork_server.import_once([PREPARE, WORKER])
    try:
        answer = fork_server.ask(PREPARE, request)
        extractors = answer["extractors"] | networks(answer["unbuilt"], place.data_dir, preset.n_samples)
    except ChildProcessError as error:
        raise BadInput(f"preset {preset.name!r}: the process that checks it {error}; `doctor` may say why") from None
    return grid.cells(preset, grid.Machine(answer["device"], answer["data_hashes"], extractors))


def networks(
    pairs: Sequence[tuple[str, str]], data_dir: Path | None, n_samples: int | str
) -> dict[tuple[str, str], str]:
    """(data set, kind) -> hash of the scoring network, which is trained where it is not cached, one per core at a time.

    pairs: (name of a data set, kind of scoring network).
    data_dir: folder of the data sets; None for the default.
    n_samples: of the cells, whose floors are computed too; "train" for the number of training images.
    """
    more = {"data_dir": data_dir, "n_samples": n_samples}
    requests = [{"dataset": dataset, "kind": kind, **more} for dataset, kind in pairs]
    return dict(zip(pairs, fork_server.ask_all(SCORING_NETWORK, requests, cores()), strict=True))


def execute(cells: Sequence[Cell], place: Place, worker: str = WORKER, again: bool = False) -> list[dict]:
    """Run unfinished cells; returns the records of all cells, in their order.

    cells: of one run, each after the one whose weights it starts from.
    place: where.
    worker: name of the module that runs a cell.
    again: run finished cells as well.

    Raises KeyboardInterrupt on Ctrl-C, SIGTERM and SIGHUP, after it has ended the workers; finished cells are kept.
    Raises BadInput where the results folder cannot be used.
    """
    with claimed(place.results_dir) as lock, _interruptible():
        for line in records.arrange(place.results_dir, cells):
            print(line, file=sys.stderr)
        todo = list(cells) if again else unfinished(cells, place.results_dir)
        jobs = place.jobs or default_jobs(cells[0])
        executor = Local(place.results_dir, jobs, data_dir=place.data_dir, worker=worker, keep_fds=[lock])
        with Progress(todo, len(cells), jobs) as progress:
            executor.run(todo, progress)
    return [records.read(records.path_of(place.results_dir, cell)) for cell in cells]


def unfinished(cells: Sequence[Cell], results_dir: Path) -> list[Cell]:
    """The cells to run, in their order: those without a finished record, and ancestors whose weights these need.

    cells: each after its ancestor, the cell whose weights it starts from.
    results_dir: where records and weights are looked for.
    """
    todo = {cell.stem for cell in cells if not records.done(results_dir, cell)}
    for cell in reversed(cells):  # a descendant comes first, so that its ancestor's ancestor is found too
        for start in cells:
            if cell.stem in todo and cell.ancestor == start.trained_stem and not has_weights(results_dir, start):
                todo.add(start.stem)
    return [cell for cell in cells if cell.stem in todo]


def has_weights(results_dir: Path, cell: Cell) -> bool:
    """Whether the results folder holds the weights of the cell, trained under its train key."""
    return Trained(results_dir, cell.trained_stem).done(cell.train_key)


def default_jobs(cell: Cell) -> int:
    """Cells that train or score at a time: one on a GPU, else one per core and at most two, which share the memory."""
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


def finish(
    results: Path | Sequence[Path],
    as_json: bool = False,
    budget_axis: str | None = None,
    aa_dir: Path | None = None,
    failures: list[str] | None = None,
) -> str:
    """Write tables, figures and the page; returns the comparison as text for a terminal.

    results: folder of the records, or several folders, which share the page of the first.
    as_json: return every column, as JSON; of several folders with the column `results`.
    budget_axis: "flops", "images" or "seconds": return the comparison at an equal cost on this axis.
    aa_dir, failures: as in `report.write`.
    """
    from benchmarks import report

    folders = [results] if isinstance(results, Path) else list(results)
    compared = dict(zip(folders, report.write_all(folders, aa_dir, failures), strict=True))
    if as_json:
        return report.as_json(compared, budget_axis)
    texts = {
        folder: report.at_equal(folder, budget_axis) if budget_axis else report.summary(table)
        for folder, table in compared.items()
    }
    several = len(folders) > 1
    return "\n\n".join(f"{folder}\n{text}" if several else text for folder, text in texts.items())


def page_of(results: Path | Sequence[Path]) -> Path:
    """Path of the page that `finish` writes."""
    from benchmarks.report.page import FILE

    return (results if isinstance(results, Path) else results[0]) / FILE
