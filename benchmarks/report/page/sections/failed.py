"""Cells that did not finish, with their reasons, and rows that stand apart from their method's."""

from __future__ import annotations

from benchmarks.report.page.blocks import Block, Listing, Prose, Value, heads
from benchmarks.report.page.run import Run

ORDER, TITLE = 130, "Failed cells"
HEADS = ["method", "data set", "kind", "seed", "status", "reason", "record"]


def blocks(run: Run) -> list[Block]:
    """One row per cell with a reason, or a sentence that there are none."""
    cells = run.frames.cells
    found = cells[cells.status.ne("done") | cells.reason.notna()]
    if found.empty:
        return [Prose([f"Every one of the {len(cells)} cells is done."])]
    rows = [
        [
            *(run.variant(cell.variant), Value(cell.dataset), Value(cell.kind), Value(f"{cell.repetition}")),
            *(Value(cell.status), Value(cell.reason or "no reason given"), Value(f"cells/{cell.file}")),
        ]
        for cell in found.itertuples()
    ]
    said = f"{len(found)} of {len(cells)} cells did not finish, or stand in a row of their own."
    return [Listing(run.id("failed"), "Cells with a reason", heads(HEADS), rows, (said,))]
