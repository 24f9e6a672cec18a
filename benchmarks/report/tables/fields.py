"""The field of a table: all its rows are compared with each other, so what makes them unequal stands beside them.

A dagger and the words of its marks stand at a variant whose samples are no fair entry, a double dagger at one that was
trained on another budget than most.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import pandas as pd
from pandas import DataFrame

from benchmarks.report.formats import number
from benchmarks.report.frames import marks
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.lengths import by_flops
from benchmarks.report.tables.sheet import Sheet

OTHER_BUDGET = "‡"
NAMING = {"variant", "pair", "first", "second"}  # columns of readable tables whose cells name variants


def budgets(rows: DataFrame) -> dict[str, str]:
    """Variant -> its name, with a sign where its training FLOPs are not about those of most variants.

    rows: of the comparison.
    """
    _, *unusual = _by_budget(rows) or [None]
    return {
        name: f"{name} {OTHER_BUDGET}" if any(name in group for _, group in unusual) else name for name in rows.variant
    }


def budget_notes(rows: DataFrame) -> list[str]:
    """What the budgets are, where they are not equal."""
    groups = _by_budget(rows)
    said = [f"{number(flops)} for {', '.join(group)}" for flops, group in groups]
    sentence = f"{OTHER_BUDGET}: another training budget than most rows. Training FLOPs: {'; '.join(said)}."
    return [sentence] if len(groups) > 1 else []


def _by_budget(rows: DataFrame) -> list[tuple[float, list[str]]]:
    """(training FLOPs, variants) in groups of about equal FLOPs, the largest group first."""
    groups = by_flops(rows.groupby("variant").train_flops.first())
    return sorted(groups, key=lambda group: len(group[1]), reverse=True)


def signed(sheets: Sequence[Sheet], frames: Frames) -> list[Sheet]:
    """The sheets with a dagger and the words of its marks at every name of a variant that has marks."""
    words = marks.of_variants(frames)
    if not words:
        return list(sheets)
    # The longest names first, since one may begin with another; a number in brackets belongs to the name.
    names = "|".join(re.escape(name) for name in sorted(words, key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w-])(?:{names})(?![\w-]| \[)")
    return [_signed(sheet, pattern, words) for sheet in sheets]


def _signed(sheet: Sheet, pattern: re.Pattern, words: dict[str, str]) -> Sheet:
    body = sheet.body.copy()
    for name in NAMING.intersection(body):
        body[name] = [
            pattern.sub(lambda found: f"{found[0]} {marks.SIGN} {words[found[0]]}", text) for text in body[name]
        ]
    return replace(sheet, body=body)


def mark_notes(frames: Frames) -> list[str]:
    """Why variants have daggers, and what follows from it."""
    found = marks.reasons(frames)
    rule = f"{marks.SIGN}: no fair entry in a comparison, so it is left out of bold, = and the choice of the best row."
    return [rule, *(f"{marks.SIGN} {reason}" for reason in found)] if found else []


def is_marked(row) -> bool:
    """Whether a row of the comparison has marks."""
    return isinstance(row.marks, str) and pd.notna(row.marks)
