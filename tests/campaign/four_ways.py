"""Runs one preset in four ways and compares what they leave behind.

    python -m tests.campaign.four_ways --output results/reference/chaos/four_ways.md

The ways are a local run, two local runs at once, a Ray cluster of two nodes one of which is killed, and a Slurm of two
nodes. Their weights have to be equal to the bit, and so have their tables apart from measured times and memory. Ray
(extra `ray`), Debian's slurm-wlm and munge, and root are needed.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import columns
from benchmarks.store import records
from tests import ROOT
from tests.benchmarks.execute.engines.slurm_cluster import slurm_of_two_nodes
from tests.campaign import summary
from tests.campaign.ray_nodes import RayNodes

PRESET = Path(__file__).with_suffix(".toml")
COUNTED = {"train_flops", "flops_per_sample"}  # of the columns of costs; the others are measured
MEASURED = {
    name for column in columns.declared(columns.ROOM / "cost" / "columns.py") for name in column.names
} - COUNTED


@dataclass
class Way:
    """A way to run the preset, and what came of it.

    name: in words.
    options: of the command.
    at_once: number of commands that share the folder.
    """

    name: str
    options: tuple[str, ...] = ()
    at_once: int = 1
    seconds: float = 0.0
    happened: str = ""
    said: str = ""

    def run(self, folder: Path) -> None:
        """Run the commands in a results folder. Raises RuntimeError where one does not end in success."""
        command = [sys.executable, "-m", "benchmarks", "run", str(PRESET), "--device", "cpu", "--results", str(folder)]
        variables = os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "120"}
        began, logs = time.monotonic(), [folder.with_suffix(f".{index}.txt") for index in range(self.at_once)]
        started = []
        for log in logs:
            with log.open("wb") as file:
                options = {"stdout": subprocess.DEVNULL, "stderr": file, "cwd": ROOT, "env": variables}
                started.append(subprocess.Popen([*command, *self.options], **options))
        codes = [process.wait() for process in started]
        self.seconds = time.monotonic() - began
        self.said = "\n\n".join(log.read_text().strip() for log in logs)
        if any(codes):
            raise RuntimeError(f"{self.name}: exit codes {codes}: {self.said[-1000:]}")

    @property
    def facts(self) -> dict:
        """What came of it."""
        return {"seconds": self.seconds, "happened": self.happened, "said": self.said}


@contextmanager
def ray_of_two_nodes(way: Way, folder: Path) -> Iterator[None]:
    """A Ray cluster; one of its two nodes is killed as soon as each runs a cell."""
    with RayNodes() as nodes:

        def kill() -> None:
            while len(running := sorted(path.parent.name for path in folder.glob(".work/*/progress.json"))) < 2:
                time.sleep(0.05)
            nodes.kill()
            names = " and ".join(name.rsplit(".", 1)[0] for name in running)
            way.happened = f"a node was killed while the two ran {names}"

        threading.Thread(target=kill, daemon=True).start()
        yield


@contextmanager
def slurm(way: Way, folder: Path) -> Iterator[None]:
    """A Slurm whose arrays have at most two tasks."""
    folder.with_suffix(".slurm").mkdir()
    with slurm_of_two_nodes(folder.with_suffix(".slurm")):
        yield
        jobs = [path for path in (folder / ".work" / "slurm").glob("*.sh")]
        way.happened = f"{len(jobs)} array jobs"


@contextmanager
def nothing(way: Way, folder: Path) -> Iterator[None]:
    """Local runs need no cluster."""
    yield


WAYS = {
    "local": (Way("local"), nothing),
    "two local": (Way("two local runs at once", ("--jobs", "1"), at_once=2), nothing),
    "ray": (Way("Ray, two nodes, one killed", ("--engine", "ray")), ray_of_two_nodes),
    "slurm": (Way("Slurm, two nodes", ("--engine", "slurm")), slurm),
}


def tables(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Name -> rows of every table, without measured columns and rows on the axis of seconds."""
    found = {}
    for path in sorted((folder / "tables").glob("*.csv")):
        with path.open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row.get("axis") != "seconds"]
        found[path.name] = [
            {name: value for name, value in row.items() if name.removesuffix("_mde") not in MEASURED} for row in rows
        ]
    return found


def weights(folder: Path) -> dict[str, dict[str, str]]:
    """Trained cell -> name of a file of weights -> its hash."""
    reports = {path.parent.name: json.loads(path.read_text()) for path in (folder / "trained").glob("*/training.json")}
    return {name: report["weights"] for name, report in sorted(reports.items())}


def differences(first: Path, other: Path) -> list[str]:
    """What differs between two results folders, one line each."""
    ours, theirs = tables(first), tables(other)
    lines = [f"{name} is in one folder only" for name in ours.keys() ^ theirs.keys()]
    for name in ours.keys() & theirs.keys():
        if len(ours[name]) != len(theirs[name]):
            lines.append(f"{name}: {len(ours[name])} and {len(theirs[name])} rows")
        for row, its in zip(ours[name], theirs[name], strict=False):
            odd = [f"{column} {row[column]} and {its.get(column)}" for column in row if row[column] != its.get(column)]
            lines += [f"{name}: {row.get('variant', '')}: {', '.join(odd)}"] if odd else []
    return lines + (["weights differ"] if weights(first) != weights(other) else [])


def short_hash(value: object) -> str:
    """The first 12 digits of the SHA-256 of a value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:12]


def body(done: list[tuple[Way, Path]]) -> str:
    """The ways as a table in Markdown, and what their commands said."""
    lines = ["| way | options of `run` | what happened | cells done | s | tables | weights |", "|" + " --- |" * 7]
    for way, folder in done:
        statuses = [record["status"] for _, record in records.in_folder(folder)]
        cells = f"{statuses.count('done')} of {len(statuses)}"
        facts = [way.name, f"`{' '.join(way.options) or '-'}`", way.happened or "-", cells, f"{way.seconds:.0f}"]
        lines.append(f"| {' | '.join([*facts, short_hash(tables(folder)), short_hash(weights(folder))])} |")
    compared = tables(done[0][1])
    parts = [
        "\n".join(lines),
        f"Compared are {len(weights(done[0][1]))} trained cells by the hashes of their weights, and the tables "
        + ", ".join(f"`{name}` ({len(rows)} rows)" for name, rows in compared.items())
        + ". Left out are measured times, memory and what follows from them. The last columns are the first digits of "
        "the SHA-256 of what is compared.",
    ]
    parts += [f"Output of {way.name}:\n\n```text\n{way.said}\n```" for way, _ in done]
    return "\n\n".join(parts)


def ran(name: str, place: Path) -> tuple[Way, Path]:
    """A way and its results folder in `place`, once it has been run there."""
    (way, cluster), folder = WAYS[name], place / name.replace(" ", "-")
    place.mkdir(parents=True, exist_ok=True)
    if (facts := folder.with_suffix(".json")).is_file():
        return replace(way, **json.loads(facts.read_text())), folder
    with cluster(way, folder):
        way.run(folder)
    facts.write_text(json.dumps(way.facts))
    print(f"{way.name}: {way.seconds:.0f} s {way.happened}", flush=True)
    return way, folder


def main() -> int:
    """Run the ways; returns 1 where they differ."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", choices=[*WAYS], default=[*WAYS], help="Ways to run; default: all.")
    said = "Folder for the results; a way that has ended there is not run again; default: a temporary one."
    parser.add_argument("--folder", type=Path, help=said)
    summary.add_option(parser)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ways") as temporary:
        done = [ran(name, (given.folder or Path(temporary)).resolve()) for name in given.only]
        problems = [f"{way.name}: {line}" for way, folder in done for line in differences(done[0][1], folder)]
        equal = (
            f"{len(problems)} differences" if problems else "the weights are equal to the bit, and so are the tables"
        )
        finding = f"One preset in {len(done)} ways: {equal}."
        seconds = sum(way.seconds for way, _ in done)
        summary.write(given.output, "One preset, four ways", finding, body(done), problems, [summary.origin(seconds)])
    print("\n".join(problems) or finding)
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
