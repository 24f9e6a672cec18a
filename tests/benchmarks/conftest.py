"""A small grid of cells that the torch-free worker of these tests runs."""

from pathlib import Path

from benchmarks import suite
from benchmarks.grid import cells

FAKE_WORKER = "tests.benchmarks.fake_worker"  # starts in no time; options {"act": ...} say how it ends
ROOT = Path(__file__).parent.parent.parent


def grid(acts, seeds=1, **changes):
    """A preset with one variant for each option `act`, named after it."""
    variants = {
        act.lower().replace(" ", "-"): suite.Variant(paradigm="diffusion", options={"act": act}) for act in acts
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
    return suite.Preset(**settings | changes)


def cells_of(preset, kind=None):
    """The cells of a preset on the CPU, with a made-up hash of the data."""
    found = cells(preset, "cpu", dict.fromkeys(preset.datasets, "data"))
    return [cell for cell in found if kind in (None, cell.kind)]


def slow_cells():
    """Three quality cells and a timing cell of a fifth of a second each."""
    options = {"act": "succeed", "seconds": 0.2}
    variants = {"slow": suite.Variant(paradigm="diffusion", options=options)}
    return cells_of(grid(["unused"], seeds=3, variants=variants))


def alive(results_dir):
    """Process ids of workers that have started in a results folder and still run."""
    found = []
    for file in (results_dir / "pids").iterdir():
        pid = int(file.name.rpartition(".")[2])
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            continue
        if state != "Z":
            found.append(pid)
    return found
