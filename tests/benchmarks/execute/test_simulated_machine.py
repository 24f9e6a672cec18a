"""How well the cells of a run fill a machine, and how good the estimate of the remaining time is: in simulated time."""

import math
import random

import pytest

from benchmarks.execute.progress import Progress
from tests.benchmarks.conftest import cells_of, grid
from tests.benchmarks.execute.simulated_machine import SimulatedMachine
from tests.benchmarks.execute.test_local import Heard


def simulated(n_variants, seeds, spread=1.0, seed=0):
    """Quality cells of a preset, and how long each takes: variants differ much, seeds of one a little."""
    draw = random.Random(seed)
    names = [f"v{index}" for index in range(n_variants)]
    cells = cells_of(grid(names, seeds=seeds, limit_seconds=1e6), "quality")
    typical = {name: 60 * math.exp(draw.gauss(0, spread)) for name in names}
    return cells, {cell.stem: typical[cell.variant] * draw.uniform(0.9, 1.1) for cell in cells}


def efficiency(results_dir, cores, cells, seconds, **more):
    """Time that a single core needs, over `cores` times that of the machine."""
    machine = SimulatedMachine(cores, seconds, **more)
    whole = machine.run(results_dir, cells, Heard())
    assert len(machine.ended) == len(cells)
    return sum(seconds.values()) / (cores * whole)


def test_cells_fill_a_machine_of_many_cores(tmp_path):
    cells, seconds = simulated(n_variants=6, seeds=14, spread=0.7)
    assert efficiency(tmp_path, 8, cells, seconds) >= 0.9


def test_a_long_cell_starts_before_short_ones_once_its_duration_is_known(tmp_path):
    cells, seconds = simulated(n_variants=4, seeds=3, spread=0.0)
    seconds = {cell.stem: 60.0 if cell.variant == "v3" else 10.0 for cell in cells}
    machine = SimulatedMachine(2, seconds)
    # Of seeds 0 and 1 the long cell comes last: 10 to 70 on one core, 50 to 110 on the other. That of seed 2 starts at
    # 70, before the three short ones, which follow at 110; after them it would end at 160.
    assert machine.run(tmp_path, cells, Heard()) == pytest.approx(140, abs=1.0)


class Estimating(Progress):
    """Notes what it would say remains, whenever a cell ends after the first seed."""

    def __init__(self, cells, jobs, machine):
        super().__init__(cells, len(cells), jobs)
        self.machine, self.notes = machine, []

    def finished(self, cell, record, seconds):
        super().finished(cell, record, seconds)
        self.due = all(other.repetition > 0 for other in self.waiting)

    def tick(self, running, waits):
        if getattr(self, "due", False):
            self.due = False
            self.notes.append((self.machine.monotonic(), self.remaining_seconds(running)))


@pytest.mark.parametrize("cores", [1, 2, 6])
def test_after_the_first_seed_the_remaining_time_is_known_within_25_percent(tmp_path, cores):
    cells, seconds = simulated(n_variants=8, seeds=5)
    machine = SimulatedMachine(cores, seconds)
    whole = machine.run(tmp_path, cells, watch := Estimating(cells, cores, machine))
    left = [(whole - now, said) for now, said in watch.notes if whole - now > 0.1 * whole]
    assert len(left) >= 6
    assert max(abs(said - actual) / actual for actual, said in left) <= 0.25
