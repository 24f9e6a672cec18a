"""What training and sampling cost."""

from __future__ import annotations

from benchmarks.report.page.blocks import Block
from benchmarks.report.page.run import Run
from benchmarks.report.page.sheets import listings

ORDER, TITLE = 110, "Costs"


def blocks(run: Run) -> list[Block]:
    """The tables of the cost of training and of sampling."""
    return listings(run, "training_cost", "sampling_cost")
