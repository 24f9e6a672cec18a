"""The comparison on a terminal: one line per variant."""

from __future__ import annotations

import pandas as pd
from pandas import DataFrame
from tabulate import tabulate

from benchmarks.report.formats import DASH, number, percent, plus_minus
from benchmarks.report.frames.columns import COLUMNS
from benchmarks.report.frames.comparison import best
from benchmarks.report.frames.intervals import half_shown

SUMMARY_NFE = (1, 4)


def summary(table: DataFrame) -> str:
    """FID ratio at 1, 4 and its best NFE, accuracy, training FLOPs, ms per image of each variant; below, what ± is.

    Where a variant has several samplers, an NFE's ratio is that of the one with the lowest mean over seeds. The best is
    the lowest mean over the listed NFEs and samplers, and is named; ms per image is at that one.
    """
    table = table.reindex(columns=COLUMNS)  # one that an earlier version wrote lacks some
    lines = []
    for (dataset, variant), rows in table.groupby(["dataset", "variant"], sort=False):
        first, top = rows.iloc[0], best(rows)
        line = {"data": dataset, "variant": variant, "seeds": f"{first.n_seeds}"}
        line |= {f"ratio@{nfe}": _ratio(best(rows[rows.nfe == nfe])) for nfe in SUMMARY_NFE}
        line["best"] = DASH if top is None else f"{_ratio(top)} @ {top.nfe:g} {top.sampler}"
        line["accuracy"] = percent(
            first.accuracy, 1, half_shown(first.accuracy, first.accuracy_ci_low, first.accuracy_ci_high)
        )
        line["train FLOPs"] = number(first.train_flops)
        line["ms/image"] = DASH if top is None else number(top.sample_ms_per_image)
        line["status"] = first.status
        lines.append(line)
    if table.dataset.nunique() == 1:
        lines = [{key: value for key, value in line.items() if key != "data"} for line in lines]
    return "\n".join([tabulate(lines, headers="keys", tablefmt="simple", disable_numparse=True), *_notes(table)])


def _notes(table: DataFrame) -> list[str]:
    lines = []
    if table.n_seeds.max() > 1:
        lines.append("±: half the 95 % t interval over training seeds")
    parts = [f"{_detectable(table, 'fid_ratio', nfe)} at {nfe} NFE" for nfe in SUMMARY_NFE]
    parts = [f"of a ratio {', '.join(part for part in parts if not part.startswith(DASH))}"]
    parts += [f"of accuracy {_detectable(table, 'accuracy')}"]
    shown = [part for part in parts if "%" in part]
    return [*lines, *([f"smallest detectable difference (A/A): {'; '.join(shown)}"] if shown else [])]


def _detectable(table: DataFrame, column: str, nfe: int | None = None) -> str:
    rows = table if nfe is None else table[table.nfe == nfe]
    return percent(rows[f"{column}_mde"].max(), 1 if column == "accuracy" else 0)


def _ratio(row: pd.Series | None) -> str:
    return DASH if row is None else plus_minus(row.fid_ratio, row.fid_ratio_ci_high - row.fid_ratio)
