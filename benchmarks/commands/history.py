"""`history`: how quality, counters and speed went from commit to commit."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from tabulate import tabulate
from typer import Argument, Option

HistoryFile = Annotated[Path, Argument(metavar="[FILE]", help="History that gates write; default: that of gates.")]
Output = Annotated[Path | None, Option(help="Folder of the figures, made if absent; default: that of FILE.")]


def command(file: HistoryFile = Path("results/gate/history.jsonl"), output: Output = None) -> None:
    """Draw the history of gates over commits, with blessings and change points.

    Change points are for reading; no gate uses them.
    """
    from benchmarks.gate import history, history_figures

    entries = history.read(file)
    table = history.series(entries)
    changes = history_figures.found_changes(table)
    paths = history_figures.write(entries, table, changes, output or file.parent)
    rows = [
        {"preset": preset, "stage": stage, "quantity": name, "since commit": (entries[entry].get("commit") or "?")[:12]}
        for (preset, stage, name), found in changes.items()
        for entry in found
    ]
    print(f"{len(entries)} entries; figures: {', '.join(map(str, paths)) or 'none, since no gate measured anything'}")
    if rows:
        print("\nChange points (E-divisive; never used as a gate)\n")
        print(tabulate(rows, "keys", "simple"))
