"""The best method at each number of evaluations, and whether it differs significantly from all others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd
from pandas import DataFrame, Series

from benchmarks.report.formats import percent, plus_minus
from benchmarks.report.frames import significance
from benchmarks.report.frames.intervals import half_shown
from benchmarks.report.page.run import Run


class Leader(NamedTuple):
    """The best mean of a data set, at one number of evaluations (None: the accuracy of recognisers).

    ties: variants that do not differ significantly from it. tested: whether significance could be tested. n_methods:
    that are compared. row: its row of the comparison.
    """

    dataset: str
    nfe: float | None
    variant: str
    mean: float
    ties: tuple[str, ...]
    tested: bool
    n_methods: int
    row: Series


def leaders(run: Run) -> list[Leader]:
    """One per data set and number of evaluations at which two or more methods are compared, and per data set one of
    recognition."""
    return [leader for dataset in run.frames.datasets for leader in _of(run, dataset)]


def _of(run: Run, dataset: str) -> Iterator[Leader]:
    rows = run.comparison[(run.comparison.dataset == dataset) & run.comparison.marks.isna()]
    for nfe, group in rows.dropna(subset="fid_ratio").groupby("nfe"):
        if group.variant.nunique() > 1:
            yield _leader(group, "fid_ratio", nfe)
    recognisers = rows.dropna(subset="accuracy").drop_duplicates("variant")
    if len(recognisers) > 1:
        yield _leader(recognisers, "accuracy", None)


def _leader(group: DataFrame, column: str, nfe: float | None) -> Leader:
    marks = marked(group, column)
    best = group[column].idxmin() if column == "fid_ratio" else group[column].idxmax()
    row = group.loc[best]
    others = group.variant[(marks == significance.TIE) & (group.variant != row.variant)]
    tested = bool((marks != significance.NEITHER).any())
    ties, n_methods = tuple(dict.fromkeys(others)), group.variant.nunique()
    return Leader(row.dataset, nfe, row.variant, row[column], ties, tested, n_methods, row)


def by_second(run: Run, leader: Leader) -> Series | None:
    """The row with the lowest FID ratio by the second scoring network at a leader's number of evaluations."""
    rows = run.comparison[(run.comparison.dataset == leader.dataset) & (run.comparison.nfe == leader.nfe)]
    rows = rows[rows.marks.isna()].dropna(subset="fid2_ratio")
    return None if rows.empty else rows.loc[rows.fid2_ratio.idxmin()]


def mean_shown(leader: Leader) -> str:
    """A leader's mean with half of its interval."""
    column = "accuracy" if leader.nfe is None else "fid_ratio"
    half = half_shown(leader.mean, leader.row[f"{column}_ci_low"], leader.row[f"{column}_ci_high"])
    return percent(leader.mean, 1, half) if leader.nfe is None else plus_minus(leader.mean, half)


def records(run: Run, leader: Leader) -> list[str]:
    """The files of the records that a leader's mean is over."""
    cells = run.frames.cells
    own = cells[(cells.dataset == leader.dataset) & (cells.variant == leader.variant) & (cells.kind == "quality")]
    return [f"{run.name}/cells/{file}" for file in own.file.dropna()]


def marked(rows: DataFrame, column: str) -> Series:
    """`significance.marks` of rows of a comparison. column: fid_ratio, fid2_ratio or accuracy."""
    values = DataFrame({"mean": rows[column], "low": rows[f"{column}_ci_low"], "high": rows[f"{column}_ci_high"]})
    return significance.marks(values.assign(mde=rows[f"{column}_mde"]).astype(float), column != "accuracy")


def significances(rows: DataFrame) -> Series:
    """For each row of a comparison what its mean says against the best one: best, tie, worse, or nothing."""
    found = Series("", index=rows.index, dtype=object)
    fair = rows[rows.marks.isna()]
    accuracies = fair.dropna(subset="accuracy").drop_duplicates(["dataset", "variant"])
    groups = [(group, "fid_ratio") for _, group in fair.dropna(subset="fid_ratio").groupby(["dataset", "nfe"])]
    groups += [(group, "accuracy") for _, group in accuracies.groupby("dataset")]
    for group, column in groups:
        marks = marked(group, column)
        if (marks != significance.NEITHER).any():
            # A recogniser that also samples is marked by its samples.
            said = marks[rows.fid_ratio[marks.index].isna()] if column == "accuracy" else marks
            found[said.index] = said.replace(significance.NEITHER, "worse")
    return found.where(pd.isna(rows.marks), "left out")
