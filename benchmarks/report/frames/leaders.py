"""Which variant samples best, for findings in words: each at the sampler and NFE chosen on the validation split."""

from __future__ import annotations

from pandas import DataFrame, Series

from benchmarks.report.frames import choice, marks
from benchmarks.report.frames.frames import Frames, means

COLUMNS = ["variant", "sampler", "nfe_asked", choice.TEST, choice.VALIDATION]


def leaders(frames: Frames, nfe: int | None = None) -> DataFrame:
    """One row per variant without marks: its mean FID ratio at its best sampler and NFE, the lowest ratio first.

    frames: of one data set. nfe: evaluations per sample; None for as many as are best.
    """
    samples = frames.samples if nfe is None else frames.samples[frames.samples.nfe_asked.eq(nfe)]
    if samples.empty:
        return DataFrame(columns=COLUMNS)
    rows = means(samples, ["dataset", *COLUMNS[:3]], COLUMNS[3:])
    rows = marks.with_marks(rows, frames.marks)
    rows = rows[rows.marks.isna()]
    chosen = [row for _, own in rows.groupby("variant", sort=False) if (row := choice.best(own)) is not None]
    table = DataFrame(chosen, columns=COLUMNS).reset_index(drop=True)
    return table.sort_values(choice.TEST, ignore_index=True)


def by_seed(frames: Frames, row: Series) -> Series:
    """The FID ratio of every training seed whose mean is in a row of `leaders`."""
    samples = frames.samples
    kept = samples.variant.eq(row.variant) & samples.sampler.eq(row.sampler) & samples.nfe_asked.eq(row.nfe_asked)
    return samples.fid_ratio[kept]


def few(frames: Frames, usual: int = 4) -> int | None:
    """The number of evaluations at which few-step sampling is read: 4, or the nearest to it that was sampled."""
    found = sorted(frames.samples.nfe_asked.dropna().unique(), key=lambda nfe: (abs(nfe - usual), nfe))
    return int(found[0]) if found else None
