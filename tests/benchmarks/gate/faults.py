"""Runs the gate against planted changes: `python -m tests.benchmarks.gate.faults --output FILE`.

Each change is made in a git worktree of HEAD and compared with the committed baseline, or with HEAD by `--base HEAD`.
The table says which stage saw it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from benchmarks.gate import revision
from tests import ROOT
from tests.benchmarks.gate.harmless import IMPROVEMENTS
from tests.benchmarks.gate.planted import FAULTS, Planted

PLANTED = [*FAULTS, *IMPROVEMENTS]
WORDS = {0: "pass", 1: "regression", 2: "error", 3: "inconclusive or to bless", 4: "nothing measured"}


def planted(change: Planted, tree: Path) -> None:
    """Make a change in a tree. Raises ValueError where its text does not occur exactly once."""
    path = tree / change.file
    text = path.read_text(encoding="utf-8")
    if text.count(change.old) != 1:
        raise ValueError(f"{change.name}: {change.file} has its text {text.count(change.old)} times, not once")
    path.write_text(text.replace(change.old, change.new), encoding="utf-8")


def gate(tree: Path, *arguments: str) -> tuple[int, dict, str, float]:
    """Gate `digits` by a command of its own in a source tree; returns exit code, gate.json, standard error, minutes.

    arguments: further ones of the command `gate`.
    """
    output, began = tree / "results" / "gate", time.perf_counter()
    command = [sys.executable, "-m", "benchmarks", "gate", "digits", *arguments, "--output", str(output)]
    done = subprocess.run(command, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}, capture_output=True, text=True)
    minutes = (time.perf_counter() - began) / 60
    report = output / "gate.json"
    found = json.loads(report.read_text(encoding="utf-8")) if report.is_file() and done.returncode != 2 else {}
    report.unlink(missing_ok=True)
    return done.returncode, found, done.stderr, round(minutes, 2)


def gated(change: Planted, tree: Path, stages: str, options: Sequence[str] = ()) -> dict:
    """The row of a change: what the gate says in a tree where it is made.

    stages: that run.
    options: further ones of the command `gate`.
    """
    planted(change, tree)
    given = [part for name in change.variants for part in ("--paradigm", name)]
    code, found, said, minutes = gate(tree, "--only", stages, *given, *options)
    subprocess.run(["git", "-C", str(tree), "checkout", "--quiet", "."], check=True)
    decisive = [f for f in found.get("findings", []) if f["verdict"] not in ("pass", "not comparable")]
    quality = [finding for finding in found.get("findings", []) if finding["stage"] == "quality"]
    return {
        "planted": change.name,
        "kind": "improvement or refactoring" if change.improvement else "fault",
        "meant for": change.stage,
        "seen by": ", ".join(dict.fromkeys(f["stage"] for f in decisive)) or "none",
        "verdict": WORDS[code],
        "seeds": max((f.get("seeds") or 0 for f in quality), default=0),
        "minutes": minutes,
        "cause": found.get("cause") or (said.strip().splitlines() or [""])[-1],
    }


def main() -> int:
    """Run them all and write the table; returns 1 where a fault passes, or an improvement is called a regression."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], help="name of a planted change; repeatable; default: all"
    )
    parser.add_argument("--stages", default="identity,counters", help="stages of the gate that run")
    parser.add_argument("--base", help="revision to compare with; default: the committed baseline")
    parser.add_argument("--enforce", action="store_true", help="let speed decide; default: it is only reported")
    parser.add_argument("--output", type=Path, required=True, help="file of the table, Markdown")
    chosen = parser.parse_args()
    options = [*(["--base", chosen.base] if chosen.base else []), *(["--speed", "enforce"] if chosen.enforce else [])]
    rows = []
    with revision.worktree(ROOT, "HEAD") as tree:
        for change in (one for one in PLANTED if not chosen.only or one.name in chosen.only):
            rows.append(gated(change, tree, chosen.stages, options))
            print(f"{change.name}: {rows[-1]['verdict']} ({rows[-1]['seen by']})", file=sys.stderr, flush=True)
            chosen.output.write_text(tabulate(rows, "keys", "pipe", disable_numparse=True) + "\n", encoding="utf-8")
    ran = chosen.stages.split(",")
    missed = [r for r in rows if r["kind"] == "fault" and r["verdict"] == WORDS[0] and r["meant for"] in ran]
    wrong = [row for row in rows if row["kind"] != "fault" and row["verdict"] not in (WORDS[0], WORDS[3])]
    return 1 if missed or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
