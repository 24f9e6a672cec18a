"""Runs whole gates on the unchanged tree: `python -m tests.benchmarks.gate.unchanged --output FILE`.

Each gate is a command of its own, in a git worktree of HEAD. The table says what each of them decided, and its time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from tabulate import tabulate

from benchmarks.gate import revision
from tests import ROOT
from tests.benchmarks.gate.faults import WORDS


def gated(number: int, tree: Path) -> dict:
    """The row of one gate of `digits` with all its stages."""
    output, began = tree / "results" / "gate", time.perf_counter()
    command = [sys.executable, "-m", "benchmarks", "gate", "digits", "--output", str(output)]
    done = subprocess.run(command, cwd=tree, env=os.environ | {"PYTHONPATH": str(tree)}, capture_output=True, text=True)
    minutes = (time.perf_counter() - began) / 60
    found = json.loads((output / "gate.json").read_text(encoding="utf-8"))
    verdicts = [finding["verdict"] for finding in found["findings"]]
    return {
        "gate": number,
        "verdict": WORDS[done.returncode],
        "comparisons that pass": verdicts.count("pass"),
        "others": len(verdicts) - verdicts.count("pass"),
        "minutes": round(minutes, 2),
        "cause": found["cause"],
    }


def main() -> int:
    """Run them all and write the table; returns 1 where one does not pass."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gates", type=int, default=20, help="number of gates; default: 20")
    parser.add_argument("--output", type=Path, required=True, help="file of the table, Markdown")
    chosen = parser.parse_args()
    rows = []
    with revision.worktree(ROOT, "HEAD") as tree:
        for number in range(1, chosen.gates + 1):
            rows.append(gated(number, tree))
            print(f"gate {number}: {rows[-1]['verdict']}", file=sys.stderr, flush=True)
            text = f"# Gates of `digits` on the unchanged tree\n\n{tabulate(rows, 'keys', 'pipe')}\n"
            chosen.output.write_text(text, encoding="utf-8")
    return int(any(row["verdict"] != WORDS[0] for row in rows))


if __name__ == "__main__":
    sys.exit(main())
