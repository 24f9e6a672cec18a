"""The comparison on a terminal: one line per variant."""

from __future__ import annotations

from textwrap import fill

import pandas as pd
from pandas import DataFrame
from tabulate import tabulate

from benchmarks.report.formats import DASH, number, percent, plus_minus
from benchmarks.report.frames import choice, columns
from benchmarks.report.frames.choice import best, candidates
from benchmarks.report.frames.intervals import half_shown
from benchmarks.report.frames.marks import SIGN

SUMMARY_NFE = (1, 4)
WIDTH = 150  # columns of a terminal


def summary(table: DataFrame) -> str:
    """FID ratio at 1, 4 and its best NFE, accuracy, training FLOPs, ms per image of each variant; below, what ± is.

    The best NFE and sampler are those of `choice.best`, among as many candidates as the column "among" says; ms per
    image is at them. Where a variant has several samplers, the ratio at an NFE is that of the best of them there. A row
    with marks has a dagger at its name and at every number that they are about.
    """
    table = table.reindex(columns=columns.of_comparison())  # one that an earlier version wrote lacks some
    lines = [_line(dataset, rows) for (dataset, _), rows in table.groupby(["dataset", "variant"], sort=False)]
    if table.dataset.nunique() == 1:
        lines = [{key: value for key, value in line.items() if key != "data"} for line in lines]
    return "\n".join([tabulate(lines, headers="keys", tablefmt="simple", disable_numparse=True), *_notes(table)])


def _line(dataset: str, rows: DataFrame) -> dict[str, str]:
    first, top = rows.iloc[0], best(rows)
    name = f"{first.variant} {SIGN}" if rows.marks.notna().any() else first.variant
    line = {"data": dataset, "variant": name, "seeds": f"{first.n_seeds}"}
    line |= {f"ratio@{nfe}": _ratio(best(rows[rows.nfe == nfe])) for nfe in SUMMARY_NFE}
    line["best"] = DASH if top is None else f"{_ratio(top)} @ {top.nfe:g} {top.sampler}"
    line["among"] = DASH if top is None else f"{len(candidates(rows))}"
    line["accuracy"] = percent(
        first.accuracy, 1, half_shown(first.accuracy, first.accuracy_ci_low, first.accuracy_ci_high)
    )
    line |= {"train FLOPs": number(first.train_flops), "ms/image": DASH}
    if top is not None:
        line["ms/image"] = number(top.sample_ms_per_image)
    return line | {"status": first.status}


def _notes(table: DataFrame) -> list[str]:
    lines = []
    if table.n_seeds.max() > 1:
        lines.append("±: half the 95 % t interval over training seeds")
    if table.fid_ratio.notna().any():
        lines.append(f"best: {choice.explained(table).rstrip('.')}")
    parts = [f"{_detectable(table, 'fid_ratio', nfe)} at {nfe} NFE" for nfe in SUMMARY_NFE]
    parts = [f"of a ratio {', '.join(part for part in parts if not part.startswith(DASH))}"]
    parts += [f"of accuracy {_detectable(table, 'accuracy')}"]
    shown = [part for part in parts if "%" in part]
    lines += [f"smallest detectable difference (A/A): {'; '.join(shown)}"] if shown else []
    return [fill(line, WIDTH) for line in [*lines, *_marked(table)]]


def _marked(table: DataFrame) -> list[str]:
    """What the daggers mean, one line per variant."""
    known = table.dropna(subset="marks")
    words = dict.fromkeys((row.variant, row.marks, row.marks_why) for row in known.itertuples())
    return [f"{SIGN} {variant}: {mark}: {why}" for variant, mark, why in words]


def _detectable(table: DataFrame, column: str, nfe: int | None = None) -> str:
    rows = table if nfe is None else table[table.nfe == nfe]
    return percent(rows[f"{column}_mde"].max(), 1 if column == "accuracy" else 0)


def _ratio(row: pd.Series | None) -> str:
    if row is None:
        return DASH
    text = plus_minus(row.fid_ratio, row.fid_ratio_ci_high - row.fid_ratio)
    return f"{text} {SIGN}" if isinstance(row.marks, str) else text
