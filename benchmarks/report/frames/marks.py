"""Marks: what makes a row's numbers no fair entry in a comparison, such as samples that copy training images.

Scoring writes them into a record (`quality.marks`); `score.marks` decides them, for older records here.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from pandas import DataFrame

from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.parts import listed, part
from benchmarks.report.frames.rows import who
from benchmarks.score.marks import marks

COLUMNS = ["dataset", "variant", "repetition", "sampler", "nfe_asked", "mark", "why"]
SIGN = "†"


def of_record(record: dict) -> Iterator[dict]:
    """One row per mark of a finished quality record. A missing sampler or NFE means all of them.

    A record from before there were marks gets those that follow from its numbers.
    """
    quality = part(record, "quality")
    found = listed(quality["marks"]) if quality.get("marks") is not None else marks(quality)
    for mark in found:
        about = {"sampler": mark.get("sampler"), "nfe_asked": mark.get("nfe")}
        yield who(record) | about | {"mark": mark.get("mark") or "marked", "why": mark.get("why") or "no reason given"}


def with_marks(rows: DataFrame, marks: DataFrame) -> DataFrame:
    """The rows of a comparison with the columns marks and marks_why, several separated by "; "; missing without marks.

    rows: with dataset, variant, sampler and nfe_asked, of which the last two are missing in a row without samples.
    """
    keys = rows[["dataset", "variant", "sampler", "nfe_asked"]].itertuples(index=False)
    found = [_about(marks, *key) for key in keys]
    words = {
        name: [_joined(own[column]) for own in found] for name, column in (("marks", "mark"), ("marks_why", "why"))
    }
    return rows.assign(**{name: pd.Series(texts, index=rows.index, dtype=object) for name, texts in words.items()})


def _about(marks: DataFrame, dataset: str, variant: str, sampler: str | None, nfe: float) -> DataFrame:
    own = marks[(marks.dataset == dataset) & (marks.variant == variant)]
    own = own[own.sampler.isna() | own.sampler.eq(sampler)]
    return own[own.nfe_asked.isna() | own.nfe_asked.eq(nfe)].drop_duplicates("mark")


def _joined(texts: pd.Series) -> str | None:
    return "; ".join(texts) or None


def of_variants(frames: Frames) -> dict[str, str]:
    """Every variant with a mark -> its marks in words."""
    groups = frames.marks.groupby("variant", sort=True).mark
    return {variant: "; ".join(dict.fromkeys(words)) for variant, words in groups}


def reasons(frames: Frames) -> list[str]:
    """One sentence per variant and mark, such as "dbn, default at 1 NFE: copies training images: ..."."""
    found = []
    for (variant, mark), rows in frames.marks.groupby(["variant", "mark"], sort=True):
        places = list(dict.fromkeys(_place(row) for row in rows.itertuples()))
        where = f", {'; '.join(places)}" if all(places) else ""
        found.append(f"{variant}{where}: {mark}: {rows.why.iloc[0].rstrip('.')}.")
    return found


def _place(row) -> str:
    sampler = "" if pd.isna(row.sampler) else row.sampler
    return sampler if pd.isna(row.nfe_asked) else f"{sampler} at {row.nfe_asked:g} NFE".strip()
