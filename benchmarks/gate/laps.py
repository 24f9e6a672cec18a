"""Times one source tree on request: torch is imported once, and every launch is a fork.

`python -m benchmarks.gate.laps SPEC.json` reads lines from standard input, and writes the answer to each as a line of
JSON: to "launch" the names of the quantities, which a fresh process will time; to one of these names, its time in units
of the reference. It ends with its input.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import warnings
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmarks.gate.lap import Lap, plan
from benchmarks.gate.runs import of_tree
from benchmarks.plan.preset import Preset

_fork = multiprocessing.get_context("fork")


def main(path: str) -> None:
    """Answer until the input ends.

    path: JSON file with name, preset and paradigm as in `runs.of_tree`, and data_dir.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a paradigm prints is no answer
    warnings.simplefilter("ignore")
    spec = json.loads(Path(path).read_text(encoding="utf-8"))
    preset = _from_scratch(of_tree(spec["name"], spec["preset"], spec["paradigm"]))
    data_dir = Path(spec["data_dir"]) if spec["data_dir"] else None
    # In a child too: a process in which autograd has run must not fork.
    planned = _started(_planned, preset, data_dir)[0].recv()
    connection = child = None
    for line in sys.stdin:
        if line.strip() == "launch":
            _end(connection, child)
            connection, child = _started(_lap, preset, data_dir, planned)
        else:
            connection.send(line.strip())
        print(json.dumps(connection.recv()), file=answers, flush=True)
    _end(connection, child)


def _from_scratch(preset: Preset) -> Preset:
    """The preset without starts from trained weights, on which times do not depend."""
    alone = {"init_from": None, "init_share": None}
    variants = {name: v.model_copy(update=alone) for name, v in preset.variants.items() if not v.only_start}
    return preset.model_copy(update={"variants": variants})


def _started(function: Callable, *arguments) -> tuple[Connection, BaseProcess]:
    here, there = _fork.Pipe()
    child = _fork.Process(target=function, args=(there, *arguments), daemon=True)
    child.start()
    there.close()
    return here, child


def _end(connection: Connection | None, child: BaseProcess | None) -> None:
    if connection:
        connection.send(None)
        child.join()


def _planned(connection: Connection, preset: Preset, data_dir: Path | None) -> None:
    connection.send(plan(preset, data_dir))


def _lap(connection: Connection, preset: Preset, data_dir: Path | None, planned: dict) -> None:
    lap = Lap(preset, data_dir, planned)
    connection.send(list(lap.calls))
    while name := connection.recv():
        connection.send(lap.time(name))


if __name__ == "__main__":
    main(sys.argv[1])
