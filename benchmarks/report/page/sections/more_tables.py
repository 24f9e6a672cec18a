"""Every other readable table of the report, such as one that has been dropped in."""

from __future__ import annotations

from benchmarks.report import tables
from benchmarks.report.page.blocks import Block
from benchmarks.report.page.run import Run
from benchmarks.report.page.sheets import listings

ORDER, TITLE, PRINTED = 120, "More tables", False
ELSEWHERE = {"ratios", "mcnemar", "at_equal_flops", "at_equal_images", "at_equal_seconds", "time_to_target", "reach"}
ELSEWHERE |= {"training_cost", "sampling_cost", "depth"}  # in sections of their own


def blocks(run: Run) -> list[Block]:
    """The tables that no other section shows."""
    return listings(run, *(name for name in tables.found() if name not in ELSEWHERE))
