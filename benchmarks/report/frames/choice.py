"""Which NFE and sampler stand for a variant: chosen on the validation split, so that the test value is no minimum."""

from __future__ import annotations

from pandas import DataFrame, Series

VALIDATION, TEST = "validation_fid", "fid_ratio"


def best(rows: DataFrame) -> Series | None:
    """The row of a variant whose samples are nearest to the validation split, in means over seeds.

    Where a record lacks a distance to the validation split, that is the row with the lowest FID ratio on the test
    split, which is optimistic. A row with marks is chosen only where all have some. None where nothing was sampled.

    rows: of the comparison, the candidates, of one variant.
    """
    found = candidates(rows)
    return None if found.empty else found.loc[found[criterion(found)].idxmin()]


def candidates(rows: DataFrame) -> DataFrame:
    """The rows that `best` chooses among."""
    known = rows[rows[TEST].notna()]
    fair = known[known.marks.isna()] if "marks" in known else known
    return fair if len(fair) else known


def on_validation(rows: DataFrame) -> bool:
    """Whether `best` chooses among these rows on the validation split."""
    return criterion(candidates(rows)) == VALIDATION


def criterion(found: DataFrame) -> str:
    """The column whose lowest value is best: the FID to the validation split where all of `found` have one."""
    return VALIDATION if VALIDATION in found and found[VALIDATION].notna().all() else TEST


def validated(samples: DataFrame) -> bool:
    """Whether all samples have a distance to the validation split."""
    return bool(samples[VALIDATION].notna().all())


def explained(rows: DataFrame) -> str:
    """How NFE and sampler were chosen, for the note below a table. rows: of the comparison, of all its variants."""
    sampled = rows[rows[TEST].notna()]
    on_test = [name for name, own in sampled.groupby("variant", sort=False) if not on_validation(own)]
    validated = "NFE and sampler are chosen by the lowest mean FID to the validation split; the test split has no say."
    if not on_test:
        return validated
    others = on_test if len(on_test) < sampled.variant.nunique() else ["all variants"]
    tested = (
        f"NFE and sampler of {', '.join(others)} are chosen by the lowest mean FID ratio on the test split, the same "
        "numbers that are shown, since their records have no FID to the validation split: the more candidates, the "
        "more optimistic the minimum."
    )
    return tested if others == ["all variants"] else f"{validated} {tested}"
