"""`run`: the cells of a preset, then the report."""

from __future__ import annotations

import json
import math
from pathlib import Path

from tabulate import tabulate

from benchmarks import options
from benchmarks.commands.outcome import conclude
from benchmarks.errors import BadInput
from benchmarks.execute import session
from benchmarks.plan import presets, selection
from benchmarks.plan.cell import Cell
from benchmarks.plan.grid import refuse_large
from benchmarks.store import records


def command(
    preset: options.Preset,
    paradigm: options.Paradigms = [],  # noqa: B006
    seeds: options.Seeds = None,
    changes: options.Changes = [],  # noqa: B006
    budget: options.Budget = 1.0,
    dry_run: options.DryRun = False,
    jobs: options.Jobs = None,
    engine: options.Engine = options.EngineName.local,
    slurm: options.Slurm = [],  # noqa: B006
    device: options.Device = options.DeviceName.auto,
    data_dir: options.DataDir = None,
    results: options.Results = None,
    as_json: options.Json = False,
) -> int:
    """Run a preset's unfinished cells, then write the report.

    The same command again resumes an interrupted run. Several at the same time share the cells.
    """
    if slurm and engine is not options.EngineName.slurm:
        raise BadInput(f"--slurm {slurm[0]}: is an option of --engine slurm; the engine is {engine.value}")
    for option, value in (("--jobs", jobs), ("--budget", budget)):
        if value is not None and not 0 < value < math.inf:
            raise BadInput(f"{option} {value:g}: must be greater than 0 and finite")
    changes = [*changes, *([f"seeds={seeds}"] if seeds is not None else [])]
    grid = selection.scaled(selection.selected(presets.load(preset, changes), paradigm), budget)
    refuse_large(grid)
    folder = results or Path("results") / grid.name
    place = session.Place(folder, device.value, data_dir, jobs, engine.value, tuple(slurm))
    cells = session.plan(grid, place, build=not dry_run)
    if dry_run:
        _print_plan(cells, place.results_dir, as_json)
        if place.engine == "slurm" and not as_json:
            print(f"\n{session.slurm_script(cells, place)}", end="")
        return 0
    executed = session.execute(cells, place)
    return conclude(cells, executed, place.results_dir, as_json)


def _print_plan(cells: list[Cell], results_dir: Path, as_json: bool) -> None:
    rows = [
        {
            "cell": cell.stem,
            "state": "done" if records.done(results_dir, cell) else "to run",
            "device": cell.device,
            "training_flops": cell.budget_flops,
            "nfe": cell.nfe,
            "options": cell.options,
        }
        for cell in cells
    ]
    print(json.dumps(rows, indent=1) if as_json else tabulate(rows, "keys", "simple"))
