"""The comparison: every method, sampler and number of evaluations in one table to sort and filter."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pandas import Series

from benchmarks.report.formats import DASH, number, percent, plus_minus
from benchmarks.report.frames.intervals import half_shown
from benchmarks.report.frames.lengths import by_flops
from benchmarks.report.frames.marks import SIGN
from benchmarks.report.page.blocks import Block, Listing, Value, heads
from benchmarks.report.page.leaders import significances
from benchmarks.report.page.run import Run

ORDER, TITLE = 20, "Comparison"
# What the page is read for stands first, next to the method where a phone shows two columns.
HEADS = ["method", "data set", "NFE", "FID ratio", "significance", "FID ratio 2", "accuracy", "ms/image", "sampler"]
HEADS += ["budget", "era", "task", "marks", "seeds", "status", "training FLOPs", "extractor"]
FILTERS = ["task", "era", "data set", "budget", "NFE", "significance"]
DETAILS = {"task", "training FLOPs", "extractor"}
NOTES = (
    "Mean ± half of the 95 % t interval over training seeds; lower FID ratios are better, 1 is as close to held-out "
    "images as real training images are. FID ratio 2: by the second scoring network. budget: training FLOPs, equal "
    "where they differ by less than a fifth.",
    "significance: against the best of the same data set and number of evaluations (of recognisers: the best "
    "accuracy). A row with a dagger is no fair entry, so it is left out. Tick a method to make it stand out in the "
    "charts. Columns that say the same of every row are hidden at first, as details are: Columns shows them.",
)


def blocks(run: Run) -> list[Block]:
    """One table of all data sets."""
    rows = run.comparison
    budgets = _budgets(run)
    said = significances(rows)
    empty = {"data set": not run.several, "marks": rows.marks.isna().all(), "accuracy": rows.accuracy.isna().all()}
    empty |= {name: rows.fid_ratio.isna().all() for name in ("FID ratio", "FID ratio 2", "sampler", "NFE", "ms/image")}
    kept = [name for name in HEADS if not empty.get(name, False)]
    body = []
    for index, row in rows.iterrows():
        cells = _cells(run, row, said[index]) | {"budget": Value(budgets.get((row.dataset, row.variant), DASH))}
        body.append([cells[name] for name in kept])
    filters = [name for name in FILTERS if name in kept]
    hidden = [name for name, cells in zip(kept, zip(*body, strict=True), strict=True) if _is_detail(name, cells)]
    return [Listing(run.id("comparison", "all"), "All methods", heads(kept), body, NOTES, filters, hidden)]


def _is_detail(name: str, cells: Sequence[Value]) -> bool:
    """Whether a column is hidden at first: a detail, or one that says the same of several rows."""
    return name in DETAILS or (len(cells) > 1 and len({cell.text for cell in cells}) == 1)


def _cells(run: Run, row: Series, significance: str) -> dict[str, Value]:
    sign = SIGN if isinstance(row.marks, str) else ""
    best, sampled = significance == "best", pd.notna(row.fid_ratio)
    fid, second, accuracy = (_mean(row, name) for name in ("fid_ratio", "fid2_ratio", "accuracy"))
    return {
        "method": run.variant(row.variant, sign, select=True),
        **{"task": Value(row.task or DASH), "era": Value(row.era or DASH), "data set": Value(row.dataset)},
        "sampler": Value(DASH if pd.isna(row.sampler) else row.sampler),
        "NFE": Value(DASH if pd.isna(row.nfe) else f"{row.nfe:g}"),
        "FID ratio": Value(fid, bold=best and sampled, value=_sorted(row.fid_ratio), more=_more(row)),
        "significance": Value(significance or DASH),
        "FID ratio 2": Value(second, value=_sorted(row.fid2_ratio)),
        "accuracy": Value(
            accuracy, bold=best and not sampled, value=_sorted(row.accuracy), more=f"n = {row.n_seeds} training seeds"
        ),
        "ms/image": Value(number(row.sample_ms_per_image), value=_sorted(row.sample_ms_per_image)),
        "training FLOPs": Value(number(row.train_flops), value=_sorted(row.train_flops)),
        **{
            "seeds": Value(f"{row.n_seeds}"),
            "extractor": Value(row.fid_extractor if isinstance(row.fid_extractor, str) else DASH),
        },
        "marks": Value(row.marks if isinstance(row.marks, str) else DASH, more=row.marks_why or ""),
        "status": Value(row.status),
    }


def _mean(row: Series, column: str) -> str:
    half = half_shown(row[column], row[f"{column}_ci_low"], row[f"{column}_ci_high"])
    return percent(row[column], 1, half) if column == "accuracy" else plus_minus(row[column], half)


def _sorted(value: float) -> str | None:
    return None if pd.isna(value) else f"{value:.6g}"


def _more(row: Series) -> str:
    if pd.isna(row.fid_ratio):
        return ""
    interval = f"95 % interval {number(row.fid_ratio_ci_low)} to {number(row.fid_ratio_ci_high)}"
    return f"n = {row.n_seeds} training seeds; {interval}; scored by {row.fid_extractor}, {row.n_samples} samples"


def _budgets(run: Run) -> dict[tuple[str, str], str]:
    """Data set and variant -> its budget of training FLOPs, in words that are the same for about equal ones."""
    found = {}
    for dataset, rows in run.comparison.groupby("dataset"):
        for flops, names in by_flops(rows.groupby("variant").train_flops.first().astype("float64")):
            found |= {(dataset, name): number(flops) for name in names}
    return found
