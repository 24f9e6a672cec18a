"""Marks: what makes a row's numbers no fair entry in a comparison, such as samples that copy training images.

Scoring writes them into a record (`quality.marks`); for older records the same rules decide by what was measured.
"""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from pandas import DataFrame

from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.parts import listed, part
from benchmarks.report.frames.rows import who
from benchmarks.score import marks as rules

COLUMNS = ["dataset", "variant", "repetition", "sampler", "nfe_asked", "mark", "why"]
SIGN = "†"
# Distance ratio below which samples count as copies where only that was measured; the reference runs have 0.58 to 2.1.
COPIED = 0.25


def of_record(record: dict) -> Iterator[dict]:
    """One row per mark of a finished quality record. A missing sampler or NFE means all of them."""
    quality = part(record, "quality")
    for mark in _derived(quality) if quality.get("marks") is None else listed(quality["marks"]):
        about = {"sampler": mark.get("sampler"), "nfe_asked": mark.get("nfe")}
        yield who(record) | about | {"mark": mark.get("mark") or "marked", "why": mark.get("why") or "no reason given"}


def _derived(quality: dict) -> Iterator[dict]:
    """The marks of a record that was scored before there were any."""
    known = [entry for entry in listed(quality.get("samples")) if entry.get("sampler") and entry.get("nfe") is not None]
    yield from rules.marks({"samples": known, "mismatch": part(quality, "mismatch")})
    for entry in known:
        ratio = entry.get("memorisation_ratio")
        if ratio is not None and ratio < COPIED and entry.get("memorisation") is None:
            why = f"The distance of the samples to the nearest training image is {ratio:.2g} times that of test images."
            yield {"mark": rules.COPIES, "sampler": entry["sampler"], "nfe": entry.get("nfe_asked"), "why": why}


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
    """One sentence per variant and mark, such as "dbn, default at 1, 2 NFE: copies training images: ..."."""
    found = []
    for (variant, mark), rows in frames.marks.groupby(["variant", "mark"], sort=True):
        places = [_place(sampler, own) for sampler, own in rows.groupby("sampler", dropna=False, sort=False)]
        where = f", {'; '.join(places)}" if all(places) else ""
        found.append(f"{variant}{where}: {mark}: {rows.why.iloc[0].rstrip('.')}.")
    return found


def _place(sampler: str | None, rows: DataFrame) -> str:
    """The sampler and its NFEs; empty where the mark is about all of them."""
    name = "" if pd.isna(sampler) else sampler
    if rows.nfe_asked.isna().any():
        return name
    return f"{name} at {', '.join(f'{nfe:g}' for nfe in sorted(rows.nfe_asked.unique()))} NFE".strip()
