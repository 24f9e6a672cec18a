"""A small preset whose cells a worker without torch runs, for tests of the commands and of `execute`."""

from pathlib import Path

from benchmarks.plan import preset
from benchmarks.plan.grid import Machine, cells

FAKE_WORKER = "tests.benchmarks.fake_worker"  # starts in no time; options {"act": ...} say how it ends


def grid(acts, seeds=1, **changes):
    """A preset with one variant for each option `act`, named after it."""
    variants = {
        act.lower().replace(" ", "-"): preset.Variant(paradigm="diffusion", options={"act": act}) for act in acts
    }
    settings = {
        "name": "tiny",
        "description": "",
        "datasets": ["digits"],
        "seeds": seeds,
        "nfe": [1],
        "limit_seconds": 30,
        "curve_points": 1,
        "curve_nfe": [1],
        "sample_batch": 1,
        "timing_seconds": 0.1,
        "budget_flops": {"generation": 1.0, "recognition": 1.0},
        "variants": variants,
    }
    return preset.Preset(**settings | changes)


def cells_of(preset, kind=None):
    """The cells of a preset on the CPU, with a made-up hash of the data."""
    machine = Machine("cpu", dict.fromkeys(preset.datasets, "data"), {})
    return [cell for cell in cells(preset, machine) if kind in (None, cell.kind)]


def slow_cells(seconds=0.2):
    """Three quality cells and a timing cell, `seconds` each."""
    options = {"act": "succeed", "seconds": seconds}
    variants = {"slow": preset.Variant(paradigm="diffusion", options=options)}
    return cells_of(grid(["unused"], seeds=3, variants=variants))


def alive(results_dir):
    """Process ids of the workers of a results folder that are still running.

    A process that exits gives up its memory, and with it its command line, before its files and their locks.
    """
    started = [int(file.name.rpartition(".")[2]) for file in (results_dir / "pids").iterdir()]
    return [pid for pid in started if _command_line(pid)]


def _command_line(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""
