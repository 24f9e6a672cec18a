"""The steps of a run: list a preset's cells (`plan`), run unfinished ones (`execute`), write the report (`finish`)."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.execute import capacity, drawing, engines, fork_server, preparation
from benchmarks.execute.arrivals import Arrivals
from benchmarks.execute.claims import Claims
from benchmarks.execute.early_report import EarlyReport
from benchmarks.execute.engines.local import WORKER
from benchmarks.execute.folder import refuse_unusable, usable
from benchmarks.execute.progress import Progress
from benchmarks.execute.schedule import Durations, ordered
from benchmarks.execute.signals import interruptible
from benchmarks.plan import grid
from benchmarks.plan.cell import Cell
from benchmarks.plan.preset import Preset
from benchmarks.store import atomic, records
from benchmarks.store.trained import Trained


@dataclass(frozen=True)
class Place:
    """Where a run works.

    results_dir: folder of records, weights, tables and figures.
    device: "auto", "cpu" or "cuda".
    data_dir: folder of the data sets; None for the default.
    jobs: cells that train or score at a time; None for what the engine finds room for.
    engine: what starts the cells, one of `engines.NAMES`.
    options: of the engine, as KEY=VALUE.
    """

    results_dir: Path
    device: str = "auto"
    data_dir: Path | None = None
    jobs: int | None = None
    engine: str = "local"
    options: tuple[str, ...] = ()


def plan(preset: Preset, place: Place, build: bool = True) -> list[Cell]:
    """The cells of a preset, after checks that this machine can run them.

    preset: the grid.
    place: where; the checks are left out where its results folder shows that every cell is done.
    build: whether to train the scoring networks that are not cached yet; without, their hashes are None in the cells.

    Raises BadInput where a cell cannot run.
    """
    where = {"device": place.device, "data_dir": place.data_dir}
    if machine := preparation.remembered(preset, place.results_dir, **where):
        cells = grid.cells(preset, machine)
        if all(records.done(place.results_dir, cell) for cell in cells):
            return cells
    if build:
        refuse_unusable(place.results_dir)
    fork_server.import_once([preparation.PREPARE, WORKER])
    machine = preparation.prepare(preset, build=build, jobs=place.jobs, **where)
    if build:
        with usable(place.results_dir):
            (place.results_dir / ".work").mkdir(exist_ok=True)
            preparation.remember(machine, preset, place.results_dir, **where)
    return grid.cells(preset, machine)


def execute(cells: Sequence[Cell], place: Place, worker: str = WORKER, again: bool = False) -> list[dict]:
    """Run unfinished cells; returns the records of all cells, in their order.

    cells: of one run, each after the one whose weights it starts from.
    place: where. Other runs may work in its folder at the same time; they share the cells.
    worker: name of the module that runs a cell.
    again: run finished cells as well.

    Raises KeyboardInterrupt on Ctrl-C, SIGTERM and SIGHUP, after it has ended the workers; finished cells are kept.
    Raises BadInput where the results folder cannot be used.
    """
    with usable(place.results_dir), interruptible():
        (place.results_dir / ".work").mkdir(exist_ok=True)
        for line in records.arrange(place.results_dir, cells):
            print(line, file=sys.stderr)
        arrivals = Arrivals(place.results_dir, cells)
        todo = list(cells) if again else unfinished(cells, place.results_dir)
        Claims(place.results_dir / ".work").sweep({cell.work_stem for cell in todo})
        atomic.sweep(place.results_dir)
        if todo:
            durations = _durations(cells, place.results_dir)
            known = Durations() if again else durations  # scoring again takes less than the training that it follows
            _run(ordered(todo, durations), len(cells), known, place, worker, arrivals)
        else:
            print(f"{len(cells)} cells, all of them done already", file=sys.stderr)
    return [_record(place.results_dir, cell) for cell in cells]


def slurm_script(cells: Sequence[Cell], place: Place) -> str:
    """The batch script of the first array that `execute` would submit to Slurm.

    cells, place: as in `execute`.
    """
    todo = unfinished(cells, place.results_dir)
    first = [cell for cell in todo if cell.kind == todo[0].kind and not cell.ancestor]
    engine = engines.named("slurm")(place.results_dir, place.jobs, worker=WORKER, options=place.options)
    return engine.script(first, engine.folder / "SPECS.txt") if first else ""


def _run(todo: list[Cell], n_cells: int, durations: Durations, place: Place, worker: str, arrivals: Arrivals) -> None:
    if place.engine == "local":
        capacity.refuse_devices(todo[0])
    engine = engines.named(place.engine)(
        place.results_dir, place.jobs, data_dir=place.data_dir, worker=worker, options=place.options
    )
    with (
        Progress(todo, n_cells, engine.slots(todo[0]), engine.where, durations=durations) as progress,
        EarlyReport(progress, place.results_dir, todo) as watch,
    ):
        engine.run(todo, watch, arrivals)


def _durations(cells: Sequence[Cell], results_dir: Path) -> Durations:
    """What finished cells of the folder have taken."""
    durations = Durations()
    for cell in cells:
        if records.done(results_dir, cell):
            seconds = records.read(records.path_of(results_dir, cell)).get("wall_seconds")
            if seconds:
                durations.add(cell, seconds)
    return durations


def _record(results_dir: Path, cell: Cell) -> dict:
    try:
        return records.read(records.path_of(results_dir, cell))
    except records.DamagedRecord:
        return records.opening(cell, "interrupted", "another run with other settings has set its record aside")


def unfinished(cells: Sequence[Cell], results_dir: Path) -> list[Cell]:
    """The cells to run, in their order: those without a finished record, and ancestors whose weights these need.

    cells: each after its ancestor, the cell whose weights it starts from.
    results_dir: where records and weights are looked for.
    """
    todo = {cell.stem for cell in cells if not records.done(results_dir, cell)}
    starts = {cell.trained_stem: cell for cell in cells}
    for cell in reversed(cells):  # a descendant comes first, so that its ancestor's ancestor is found too
        start = starts.get(cell.ancestor or "")
        if cell.stem in todo and start and not has_weights(results_dir, start):
            todo.add(start.stem)
    return [cell for cell in cells if cell.stem in todo]


def has_weights(results_dir: Path, cell: Cell) -> bool:
    """Whether the results folder holds the weights of the cell, trained under its train key."""
    return Trained(results_dir, cell.trained_stem).done(cell.train_key)


def concluded(results_dir: Path, as_json: bool, failures: list[str]) -> str:
    """As `finish`, but tables and figures that would not change are not written again."""
    drawn = drawing.unchanged(results_dir) or _noted(drawing.draw([results_dir]), failures)
    return drawn["json" if as_json else "summary"]


def _noted(drawn: dict, failures: list[str] | None) -> dict:
    if failures is not None:
        failures += drawn["failures"]
    return drawn


def finish(
    folders: Sequence[Path],
    as_json: bool = False,
    budget_axis: str | None = None,
    aa_dir: Path | None = None,
    failures: list[str] | None = None,
) -> str:
    """Write tables, figures and the page; returns the comparison as text for a terminal.

    folders: of the records; several of them share the page of the first.
    as_json: return every column, as JSON; of several folders with the column `results`.
    budget_axis: "flops", "images" or "seconds": return the comparison at an equal cost on this axis.
    aa_dir, failures: as in `report.write`.
    """
    drawn = _noted(drawing.draw(folders, aa_dir), failures)
    if budget_axis:
        from benchmarks import report

        return report.at_equal(folders, budget_axis, as_json)
    return drawn["json" if as_json else "summary"]


def page_of(folders: Sequence[Path]) -> Path:
    """Path of the page that `finish` writes."""
    from benchmarks.report.page import FILE

    return folders[0] / FILE
