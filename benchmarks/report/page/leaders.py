"""The best method at each number of evaluations, and whether it differs significantly from all others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd
from pandas import DataFrame, Series

from benchmarks.report.frames import significance
from benchmarks.report.page.run import Run


class Leader(NamedTuple):
    """The best mean of a data set, at one number of evaluations (None: the accuracy of recognisers).

    ties: variants that do not differ significantly from it. tested: whether significance could be tested. row: its row
    of the comparison.
    """

    dataset: str
    nfe: float | None
    variant: str
    mean: float
    ties: tuple[str, ...]
    tested: bool
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
    return Leader(row.dataset, nfe, row.variant, row[column], tuple(dict.fromkeys(others)), tested, row)


def marked(rows: DataFrame, column: str) -> Series:
    """`significance.marks` of rows of a comparison. column: fid_ratio, fid2_ratio or accuracy."""
    values = DataFrame({"mean": rows[column], "low": rows[f"{column}_ci_low"], "high": rows[f"{column}_ci_high"]})
    return significance.marks(values.assign(mde=rows[f"{column}_mde"]).astype(float), column != "accuracy")


def significances(rows: DataFrame) -> Series:
    """For each row of a comparison what its mean says against the best one: best, tie, worse, or nothing."""
    found = Series("", index=rows.index, dtype=object)
    fair = rows[rows.marks.isna()]
    accuracies = fair[fair.fid_ratio.isna()].dropna(subset="accuracy")
    groups = [(group, "fid_ratio") for _, group in fair.dropna(subset="fid_ratio").groupby(["dataset", "nfe"])]
    groups += [(group, "accuracy") for _, group in accuracies.groupby("dataset")]
    for group, column in groups:
        marks = marked(group, column)
        if (marks != significance.NEITHER).any():
            found[group.index] = marks.replace(significance.NEITHER, "worse")
    return found.where(pd.isna(rows.marks), "left out")
