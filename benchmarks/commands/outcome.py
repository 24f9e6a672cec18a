"""How `run` and `rescore` end: the report, the cells that failed, the exit code."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.execute import session
from benchmarks.plan.cell import Cell


def conclude(cells: list[Cell], executed: list[dict], results_dir: Path, as_json: bool) -> int:
    """Write and print the report of the cells' records; returns the exit code.

    It is 1 where a cell, a table or a figure failed.
    """
    failures: list[str] = []
    table = session.concluded(results_dir, as_json, failures)
    failed = [(cell, record) for cell, record in zip(cells, executed, strict=True) if record["status"] != "done"]
    print(table)
    for cell, record in failed:
        log = results_dir / ".work" / cell.work_stem / "log.txt"
        print(f"{cell.stem}: {record['status']}: {record['reason']} (log: {log})", file=sys.stderr)
    if failed:
        print(f"{len(failed)} of {len(cells)} cells are not done; the same command tries them again", file=sys.stderr)
    return 1 if failed or failures else 0


def require_folder(results: Path) -> None:
    """Raises BadInput where there is no such results folder."""
    if not results.is_dir():
        raise BadInput(f"results folder {results}: no such folder; `run` makes one, by default results/<preset>")
