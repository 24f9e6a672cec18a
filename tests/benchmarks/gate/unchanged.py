"""Runs whole gates on the unchanged tree: `python -m tests.benchmarks.gate.unchanged --output FILE`.

Each gate is a command of its own, in a git worktree of HEAD. The table says what each of them decided, and its time.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tabulate import tabulate

from benchmarks.gate import revision
from tests import ROOT
from tests.benchmarks.gate.faults import WORDS, gate


def gated(number: int, tree: Path) -> dict:
    """The row of one gate of `digits` with all its stages."""
    code, found, said, minutes = gate(tree)
    outcomes = [finding["verdict"] for finding in found.get("findings", [])]
    return {
        "gate": number,
        "verdict": WORDS[code],
        "comparisons that pass": outcomes.count("pass"),
        "others": len(outcomes) - outcomes.count("pass"),
        "minutes": minutes,
        "cause": found.get("cause") or said.strip(),
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
