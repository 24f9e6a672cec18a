"""Paired ratios and paired tests: which differences are settled."""

from __future__ import annotations

from benchmarks.report.page.blocks import Block
from benchmarks.report.page.run import Run
from benchmarks.report.page.sheets import listings

ORDER, TITLE = 30, "Paired tests"


def blocks(run: Run) -> list[Block]:
    """The pairs that the preset declares, and recognisers on the same test images."""
    return listings(run, "ratios", "mcnemar")
