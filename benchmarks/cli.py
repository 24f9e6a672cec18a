"""The command line: `list`, `run`, `rescore`, `report` and others; each command is one function of this file.

A command prints its results to standard output, and progress and errors to standard error. `main` turns errors of the
user into one line and exit code 2.
"""

from __future__ import annotations

import json
import shlex
import sys
import time
import traceback
from pathlib import Path

import typer
from tabulate import tabulate
from typer.exceptions import TyperException

import paradigms
from benchmarks import columns, data, options
from benchmarks import doctor as doctor_
from benchmarks.errors import BadInput
from benchmarks.execute import rescore as rescore_
from benchmarks.execute import session
from benchmarks.plan import presets, selection
from benchmarks.plan.cell import Cell
from benchmarks.store import records

INTERRUPTED = 130  # what the app returns after a KeyboardInterrupt
HELP = """Compare ways to train generative models and recognisers at equal training compute.

Results go to standard output, progress and errors to standard error.
Exit codes: 0 done, 1 a cell failed, 2 bad usage or input, 130 interrupted.
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, help=HELP)


@app.callback()
def any_command(show_traceback: options.Traceback = False) -> None:
    """Document an option for --help; `main` takes it off the command line, wherever it stands there."""


@app.command("list")
def list_(paradigm: options.Files = [], as_json: options.Json = False) -> None:  # noqa: B006 (typer copies it)
    """List paradigms, data sets and presets."""
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
    preset: options.Preset,
    paradigm: options.Paradigms = [],  # noqa: B006
    seeds: options.Seeds = None,
    changes: options.Changes = [],  # noqa: B006
    budget: options.Budget = 1.0,
    dry_run: options.DryRun = False,
    jobs: options.Jobs = None,
    device: options.Device = options.DeviceName.auto,
    data_dir: options.DataDir = None,
    results: options.Results = None,
    as_json: options.Json = False,
) -> int:
    """Run a preset's unfinished cells, then write the report.

    The same command again resumes an interrupted run.
    """
    for option, value in (("--jobs", jobs), ("--budget", budget)):
        if value is not None and not value > 0:
            raise BadInput(f"{option} {value:g}: must be greater than 0")
    changes = [*changes, *([f"seeds={seeds}"] if seeds is not None else [])]
    grid = selection.scaled(selection.selected(presets.load(preset, changes), paradigm), budget)
    place = session.Place(results or Path("results") / grid.name, device.value, data_dir, jobs)
    cells = session.plan(grid, place, build=not dry_run)
    if dry_run:
        _print_plan(cells, place.results_dir, as_json)
        return 0
    executed = session.execute(cells, place)
    return _conclude(cells, executed, place.results_dir, as_json)


@app.command()
def rescore(
    results: options.Finished,
    every: options.Every = False,
    jobs: options.Jobs = None,
    data_dir: options.DataDir = None,
    as_json: options.Json = False,
) -> int:
    """Score trained cells again, without training.

    By default those whose metrics or scoring networks have changed. It needs the weights in the folder's trained/.
    """
    _require_folder(results)
    place, began = session.Place(results, data_dir=data_dir, jobs=jobs), time.monotonic()
    cells, lines = rescore_.cells_of(place)
    for line in lines:
        print(line, file=sys.stderr)
    executed = session.execute(cells, place, again=every)
    code = _conclude(cells, executed, results, as_json)
    print(f"scored again in {time.monotonic() - began:.0f} s", file=sys.stderr)
    return code


@app.command()
def glossary() -> None:
    """Print the definition of every table column as Markdown.

    Its output is docs/metrics.md.
    """
    print(columns.glossary(), end="")


@app.command()
def report(
    results: options.Finished,
    budget_axis: options.Axis = None,
    aa: options.AA = None,
    as_json: options.Json = False,
) -> None:
    """Write tables and figures; print the comparison.

    They are made from the records of a folder and written into its tables/ and figures/.
    """
    _require_folder(results)
    print(session.finish(results, as_json, budget_axis and budget_axis.value, aa))


@app.command()
def doctor(selftest: options.Selftest = False, data_dir: options.DataDir = None, as_json: options.Json = False) -> int:
    """Print what this machine has, and what would stop a run.

    Hardware, versions, data sets and the cells of each preset. The exit code is 1 where there is a problem.
    """
    if selftest:
        return _print_checks(doctor_.selftest(), as_json)
    found = doctor_.examine(data_dir)
    print(json.dumps(found, indent=1) if as_json else _lines(found))
    return 1 if found["problems"] else 0


@app.command()
def diagnose(
    path: options.Record,
    device: options.Device = options.DeviceName.auto,
    data_dir: options.DataDir = None,
    as_json: options.Json = False,
) -> None:
    """Score one trained cell; say where quality is lost.

    Prints sample quality, gradient reach and the mismatch between training and inference along the chain.
    """
    from benchmarks import diagnose as diagnose_  # imports torch

    found = diagnose_.diagnose(path, device.value, data_dir)
    print(json.dumps(records.finite(found), indent=1) if as_json else diagnose_.lines(found))


def _require_folder(results: Path) -> None:
    if not results.is_dir():
        raise BadInput(f"results folder {results}: no such folder; `run` makes one, by default results/<preset>")


def _lines(found: dict, indent: str = "") -> str:
    lines = []
    for key, value in found.items():
        nested = isinstance(value, dict) and value
        shown = "\n" + _lines(value, indent + "  ") if nested else f" {'-' if value in (None, [], {}) else value}"
        lines.append(f"{indent}{key}:{shown}")
    return "\n".join(lines)


def _print_checks(checks: list[dict], as_json: bool) -> int:
    """Print the checks of the instruments, and those that fail on standard error; returns the exit code."""
    failed = [check for check in checks if not check["holds"]]
    rows = [check | {"holds": "yes" if check["holds"] else "NO"} for check in checks]
    table = tabulate(rows, "keys", "simple", disable_numparse=True, maxcolwidths=50)
    print(json.dumps(checks, indent=1) if as_json else table)
    for check in failed:
        print(f"{check['name']}: expected {check['expected']}, found {check['found']}", file=sys.stderr)
    return 1 if failed else 0


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


def _conclude(cells: list[Cell], executed: list[dict], results_dir: Path, as_json: bool) -> int:
    """Write and print the report of the cells' records; returns the exit code."""
    table = session.finish(results_dir, as_json)
    failed = [(cell, record) for cell, record in zip(cells, executed, strict=True) if record["status"] != "done"]
    print(table)
    for cell, record in failed:
        log = results_dir / ".work" / cell.work_stem / "log.txt"
        print(f"{cell.stem}: {record['status']}: {record['reason']} (log: {log})", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(cells)} cells are not done; the same command tries them again", file=sys.stderr)
    return 1 if failed else 0


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit; an error of the user is one line on standard error and exit code 2.

    arguments: the command line; None for `sys.argv`. `--traceback`, anywhere in it, also prints where such an error
        was raised.
    """
    arguments = (sys.argv[1:] if arguments is None else list(arguments)) or ["--help"]
    given = [argument for argument in arguments if argument != options.TRACEBACK]
    try:
        code = app(given or ["--help"], prog_name="alexnet-moment", standalone_mode=False) or 0
    except (BadInput, paradigms.UnknownParadigm, TyperException) as error:
        if options.TRACEBACK in arguments:
            traceback.print_exc()
        usage = isinstance(error, TyperException)
        message = f"{' '.join(error.format_message().split())} (see --help)" if usage else error
        print(f"error: {message}", file=sys.stderr)
        code = 2
    if code == INTERRUPTED:
        again = shlex.join(["python", "-m", "benchmarks", *arguments])
        print(f"interrupted; finished cells are kept. To resume: {again}", file=sys.stderr)
    sys.exit(code)
