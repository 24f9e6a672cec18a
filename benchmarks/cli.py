"""The commands. Results go to standard output, progress and errors to standard error.

Exit codes: 0 done, 1 a cell failed, 2 bad usage or input (one line says what; --traceback on any command shows where),
130 interrupted.
"""

from __future__ import annotations

import json
import shlex
import sys
import time
import traceback
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from tabulate import tabulate
from typer.exceptions import TyperException

import paradigms
from benchmarks import columns, data
from benchmarks import doctor as doctor_
from benchmarks.errors import BadInput
from benchmarks.execute import rescore as rescore_
from benchmarks.execute import session
from benchmarks.plan import presets, selection
from benchmarks.plan.cell import Cell
from benchmarks.store import records

INTERRUPTED = 130  # what the app returns after a KeyboardInterrupt
TRACEBACK = "--traceback"

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, help=__doc__)

Device = StrEnum("Device", ["auto", "cpu", "cuda"])
Axis = StrEnum("Axis", ["flops", "images", "seconds"])
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a program.")]
DataDir = Annotated[Path | None, typer.Option(help="Where data sets are; else $ALEXNET_MOMENT_DATA, else a cache.")]
Jobs = Annotated[
    int | None,
    typer.Option(help="Cells that train or score at a time; default: one on a GPU, else one per core, at most two."),
]
Paradigms = Annotated[
    list[str], typer.Option("--paradigm", help="A variant, a paradigm, or a path to a paradigm's .py file; repeatable.")
]


@app.command("list")
def list_(paradigm: Paradigms = [], as_json: Json = False) -> None:  # noqa: B006 (typer copies it)
    """List paradigms (and those of files given), data sets and presets."""
    facts = [paradigms.facts_or_error(name) for name in (*paradigms.names(), *paradigm)]
    described = {name: presets.load(name).description for name in presets.names()}
    if as_json:
        print(json.dumps({"paradigms": facts, "datasets": data.names(), "presets": described}, indent=1))
        return
    columns = ("name", "title", "era", "task", "reference")
    print(tabulate([[fact.get(column) for column in columns] for fact in facts], columns, "simple"))
    print(f"\ndata sets: {', '.join(data.names())}\n")
    print(tabulate(described.items(), ("preset", "description"), "simple"))


@app.command()
def run(
    preset: Annotated[str, typer.Argument(help="A preset's name, or a path to a .toml file.")],
    paradigm: Paradigms = [],  # noqa: B006
    seeds: Annotated[str | None, typer.Option(metavar="N", help="Repetitions: the same as --set seeds=N.")] = None,
    changes: Annotated[list[str], typer.Option("--set", help="key=value over the preset's; repeatable.")] = [],  # noqa: B006
    budget: Annotated[float, typer.Option(help="Factor on the preset's training FLOPs.")] = 1.0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the cells and do nothing.")] = False,
    jobs: Jobs = None,
    device: Annotated[Device, typer.Option(help="Where cells run.")] = Device.auto,
    data_dir: DataDir = None,
    results: Annotated[Path | None, typer.Option(help="Results folder; else results/<preset>.")] = None,
    as_json: Json = False,
) -> int:
    """Run a preset's cells that are not done yet, then write the report. The same command again resumes."""
    for option, value in (("--jobs", jobs), ("--budget", budget)):
        if value is not None and not value > 0:
            raise BadInput(f"{option} {value:g}: it must be greater than 0")
    changes = [*changes, *([f"seeds={seeds}"] if seeds is not None else [])]
    grid = selection.scaled(selection.selected(presets.load(preset, changes), paradigm), budget)
    place = session.Place(results or Path("results") / grid.name, device.value, data_dir, jobs)
    cells = session.plan(grid, place, build=not dry_run)
    if dry_run:
        _print_plan(cells, place.results_dir, as_json)
        return 0
    found = session.execute(cells, place)
    return _conclude(cells, found, place.results_dir, as_json)


@app.command()
def rescore(
    results: Annotated[Path, typer.Argument(help="A results folder with the weights of its cells (trained/).")],
    every: Annotated[bool, typer.Option("--all", help="Also cells whose scores are up to date.")] = False,
    jobs: Jobs = None,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> int:
    """Score the trained cells of a folder again where metrics or scoring networks have changed; nothing is trained."""
    if not results.is_dir():
        raise BadInput(f"results folder {results}: no such folder")
    place, began = session.Place(results, data_dir=data_dir, jobs=jobs), time.monotonic()
    cells, lines = rescore_.cells_of(place)
    print(*lines, sep="\n" if lines else "", file=sys.stderr)
    found = session.execute(cells, place, again=every)
    code = _conclude(cells, found, results, as_json)
    print(f"scored again in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return code


@app.command()
def glossary() -> None:
    """Print what every column of the tables means, as Markdown (docs/metrics.md)."""
    print(columns.glossary(), end="")


@app.command()
def report(
    results: Annotated[Path, typer.Argument(help="A results folder.")],
    budget_axis: Annotated[Axis | None, typer.Option(help="Print the runs read at an equal cost instead.")] = None,
    aa: Annotated[
        Path | None, typer.Option(help="Results folder of the A/A study; else aa beside it, else the committed one.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write tables and figures from a folder's records and print the comparison."""
    if not results.is_dir():
        raise BadInput(f"results folder {results}: no such folder")
    print(session.finish(results, as_json, budget_axis and budget_axis.value, aa))


@app.command()
def doctor(data_dir: DataDir = None, as_json: Json = False) -> int:
    """Say what this machine offers, what is missing, and what each preset would run."""
    found = doctor_.examine(data_dir)
    print(json.dumps(found, indent=1) if as_json else _lines(found))
    return 1 if found["problems"] else 0


@app.command()
def diagnose(
    path: Annotated[Path, typer.Argument(metavar="RECORD", help="Record of a quality cell: cells/*.json.")],
    device: Annotated[Device, typer.Option(help="Where it is scored.")] = Device.auto,
    data_dir: DataDir = None,
    as_json: Json = False,
) -> None:
    """Score a trained cell again from its weights: quality, reach, mismatch, and where quality is lost."""
    from benchmarks import diagnose as diagnose_  # imports torch

    found = diagnose_.diagnose(path, device.value, data_dir)
    print(json.dumps(records.finite(found), indent=1) if as_json else diagnose_.lines(found))


def _lines(found: dict, indent: str = "") -> str:
    lines = []
    for key, value in found.items():
        nested = isinstance(value, dict) and value
        shown = "\n" + _lines(value, indent + "  ") if nested else f" {'-' if value in (None, [], {}) else value}"
        lines.append(f"{indent}{key}:{shown}")
    return "\n".join(lines)


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


def _conclude(cells: list[Cell], found: list[dict], results_dir: Path, as_json: bool) -> int:
    table = session.finish(results_dir, as_json)
    failed = [(cell, record) for cell, record in zip(cells, found, strict=True) if record["status"] != "done"]
    print(table)
    for cell, record in failed:
        log = results_dir / ".work" / cell.work_stem / "log.txt"
        print(f"{cell.stem}: {record['status']}: {record['reason']} (log: {log})", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(cells)} cells are not done; the same command tries them again", file=sys.stderr)
    return 1 if failed else 0


def main(arguments: list[str] | None = None) -> None:
    """The console script: runs a command and exits; errors of the user are one line and exit code 2.

    `--traceback` anywhere on the line also prints where the error was raised.
    """
    arguments = (sys.argv[1:] if arguments is None else list(arguments)) or ["--help"]
    given = [argument for argument in arguments if argument != TRACEBACK]
    try:
        code = app(given or ["--help"], prog_name="alexnet-moment", standalone_mode=False) or 0
    except (BadInput, paradigms.UnknownParadigm, TyperException) as error:
        if TRACEBACK in arguments:
            traceback.print_exc()
        usage = isinstance(error, TyperException)
        said = f"{' '.join(error.format_message().split())} (see --help)" if usage else error
        print(f"error: {said}", file=sys.stderr)
        code = 2
    if code == INTERRUPTED:
        again = shlex.join(["python", "-m", "benchmarks", *arguments])
        print(f"interrupted; what is done is kept. To go on: {again}", file=sys.stderr)
    sys.exit(code)
