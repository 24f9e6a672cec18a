"""Measures how well the cells of a large run fill a machine with many cores.

    python -m tests.campaign.schedule --cells 1000 --cores 16

Cells are stubs that end after a simulated time; the engine of one machine is real, and the processor time that it takes
itself passes on the simulated clock, too. The files of the run are on the disk of the temporary folder.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.execute.simulated_machine import SimulatedMachine
from tests.benchmarks.execute.test_local import Heard
from tests.benchmarks.execute.test_simulated_machine import simulated
from tests.campaign import summary

AT_LEAST = 0.9
SEEDS = 10


def main() -> int:
    """Measure; returns 1 where the machine is used less than it should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=1000, help="Number of cells, of ten seeds; default: 1000.")
    parser.add_argument("--cores", type=int, default=16, help="Cells at a time; default: 16.")
    summary.add_option(parser)
    given, began = parser.parse_args(), time.monotonic()
    cells, seconds = simulated(given.cells // SEEDS, SEEDS)
    machine = SimulatedMachine(given.cores, seconds, engine_counts=True)
    with tempfile.TemporaryDirectory() as folder:
        whole = machine.run(Path(folder), cells, Heard())
    single, own = sum(seconds.values()), whole - machine.now
    share = single / (given.cores * whole)
    finding = (
        f"{len(cells):,} stub cells on a simulated machine of {given.cores} cores take {whole:,.0f} s, a single core "
        f"{single:,.0f} s: {share:.3f} of linear; the target is {AT_LEAST}."
    )
    body = (
        f"A cell takes {min(seconds.values()):.0f} to {max(seconds.values()):.0f} s of simulated time; seeds of a "
        f"variant differ by 10 % at most. In the total are {own:.0f} s of processor time that the engine itself took, "
        f"{1000 * own / len(cells):.0f} ms a cell. Not in it are the start of a process, about a fork, and waiting for "
        "the disk."
    )
    problems = [] if share >= AT_LEAST else [f"{share:.3f} is below {AT_LEAST}"]
    summary.write(
        given.output, "How cells fill a machine", finding, body, problems, [summary.origin(time.monotonic() - began)]
    )
    print(finding, body, sep="\n")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
