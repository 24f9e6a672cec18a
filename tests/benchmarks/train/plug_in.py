"""Training of a small paradigm's file as a run does it: a cell of its own, executed by the worker, in this process."""

import json

from benchmarks import data, worker
from benchmarks.plan import selection
from benchmarks.plan.grid import Machine, cells
from benchmarks.store import records
from tests.benchmarks.conftest import grid

HEADER = """
import torch
from torch import nn
from paradigms.base import Paradigm, Stage
"""


def training_cell(path, text, **changes):
    """The cell that trains the paradigm whose source is `text`, written to `path`, on digits; it is not scored."""
    path.write_text(HEADER + text)
    preset = selection.selected(grid(["unused"]), [str(path)])
    cell = cells(preset, Machine("cpu", {"digits": data.load("digits").hash}, {}))[0]
    return cell.model_copy(update={"kind": "training", "budget_flops": 1e7} | changes)


def specified(cell, results_dir):
    """The file from which the worker runs a cell."""
    spec = results_dir / "spec.json"
    spec.write_text(json.dumps({"cell": cell.model_dump(), "results_dir": str(results_dir)}))
    (results_dir / ".work" / cell.work_stem).mkdir(parents=True, exist_ok=True)
    return spec


def executed(cell, results_dir):
    """The record that the worker leaves of a cell."""
    worker.main(str(specified(cell, results_dir)))
    return records.read(records.path_of(results_dir, cell))
