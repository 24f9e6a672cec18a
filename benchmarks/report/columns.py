"""Declarations of the columns that the report itself adds to the comparison."""

from __future__ import annotations

from benchmarks.columns import Column

TITLE = "What a row is"
COLUMNS = [
    Column(
        "marks",
        unit="words",
        direction=None,
        meaning="Why the row is no fair entry in a comparison, such as `starts from data` or `copies training images`, "
        "and the reasons in full sentences; empty for a fair one. Such a row has a dagger in tables and figures and is "
        "left out of bold, = and the choice of the best row.",
        formula="those in the record; for a record without any the rules of `benchmarks/score/marks.py`",
        source="records",
        misleads="An empty cell says that nothing was found, not that nothing is wrong: older records lack most of the "
        "measurements that the rules need.",
        style="text",
        also=("marks_why",),
        code="benchmarks/report/frames/marks.py",
    ),
]
