"""Headline columns as text: mean and interval, with the best in bold and "=" where a difference is not significant."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
from pandas import DataFrame, Series

from benchmarks.report.formats import DASH, plus_minus
from benchmarks.report.frames import significance
from benchmarks.report.frames.intervals import half_shown
from benchmarks.report.frames.marks import SIGN
from benchmarks.report.tables.fields import budget_notes, budgets
from benchmarks.report.tables.sheet import Bold, Sheet, detectable_line

INTERVALS = (
    "Mean ± half of the 95 % t interval over training seeds.",
    "Bold: the best of all rows{at}, where every other differs significantly from it: neither interval includes the "
    "other's mean, and the difference is at least the minimum detectable one. =: not significantly different from the "
    "best.",
)


def intervals(at: str = "") -> tuple[str, ...]:
    """What ±, bold and = mean. at: among which rows the best is marked, such as " at this NFE"."""
    return tuple(note.format(at=at) for note in INTERVALS)


def marked(rows: DataFrame, column: str, write: Callable[[float, float], str], lowest: bool = True) -> Series:
    """The column as text, bold for the best and "=" for what does not differ from it, among all rows of an NFE.

    A row with marks is left out of the comparison and has a dagger. write: mean, half width of its interval -> text.
    lowest: whether lower is better.
    """
    values = DataFrame({"mean": rows[column], "low": rows[f"{column}_ci_low"], "high": rows[f"{column}_ci_high"]})
    values = values.assign(mde=rows[f"{column}_mde"], nfe=rows.nfe)
    fair = values.assign(mean=values["mean"].where(rows.marks.isna()))
    mark = pd.concat([significance.marks(group, lowest) for _, group in fair.groupby("nfe", dropna=False)])
    half = half_shown(values["mean"], values.low, values.high)
    text = {row: write(values["mean"][row], half[row]) for row in values.index}
    signs = rows.marks.notna() & values["mean"].notna()
    return Series({row: _with(text[row], SIGN if signs[row] else mark[row]) for row in values.index}, dtype=object)


def _with(text: str, mark: str) -> str:
    if mark == significance.BEST:
        return Bold(text)
    sign = {significance.TIE: f" {significance.TIE_SIGN}", SIGN: f" {SIGN}"}.get(mark, "")
    return f"{text}{sign}"


def by_nfe(rows: DataFrame, column: str, title: str) -> list[Sheet]:
    """A ratio with its interval: one line per variant and sampler, one column per NFE; the last line is the minimum
    detectable effect."""
    sampled = rows[rows[column].notna() | (rows.nfe.isna() & rows.status.ne("done") & rows.accuracy.isna())]
    if sampled[column].isna().all():
        return []
    nfes = sorted(sampled.nfe.dropna().unique())
    shown, named = marked(sampled, column, plus_minus), budgets(sampled)
    lines = []
    for (variant, sampler), line in sampled.groupby(["variant", "sampler"], sort=False, dropna=False):
        at = {nfe: line.index[line.nfe == nfe] for nfe in nfes}
        cells = {f"{nfe:g} NFE": shown[at[nfe][0]] if len(at[nfe]) else DASH for nfe in nfes}
        lines.append({"variant": named[variant], "sampler": DASH if pd.isna(sampler) else sampler} | cells)
    lines += detectable_line({f"{nfe:g} NFE": sampled[sampled.nfe == nfe][f"{column}_mde"].max() for nfe in nfes})
    notes = ("NFE: number of function evaluations per sample. Lower ratios are better.", *intervals(" at this NFE"))
    notes = (*notes, *budget_notes(sampled))
    return [Sheet(title, DataFrame(lines).fillna(""), notes)]
