"""Display names: what figures, slides and tables call a variant, in words that need no knowledge of the presets.

A title decides no number, so a record gets the one that today's preset has for its variant; and where a record does not
say which variant's weights it started from, the preset does.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pandas import DataFrame

from benchmarks.report.frames.looks import keys_of_preset


def retitled(records: Iterable[dict], folder: Path) -> list[dict]:
    """The records with the titles of today's presets, where these have the record's variant with its paradigm, and
    with `starts_from`, the variant that theirs starts from.

    folder: the results folder, which may hold a preset's file as well.
    """
    records = list(records)
    names = {record["cell"].get("preset") or "" for record in records}
    presets = {name: keys_of_preset(name, folder).get("variants", {}) for name in names}
    return [_retitled(record, presets[record["cell"].get("preset") or ""]) for record in records]


def _retitled(record: dict, variants: dict) -> dict:
    cell = record["cell"]
    today = variants.get(cell["variant"])
    if not isinstance(today, dict) or today.get("paradigm") != cell.get("paradigm"):
        today = {}
    start = (cell.get("ancestor") or "").partition(".")[0] or today.get("init_from")
    return record | {"cell": cell | {"title": today.get("title") or cell.get("title"), "starts_from": start}}


def display_names(cells: DataFrame) -> dict[str, str]:
    """Variant -> its title, and behind it the variant's name in brackets where another one has the same title."""
    titles = cells.groupby("variant").title.first()
    shared = titles.duplicated(keep=False)
    return {variant: f"{title} ({variant})" if shared[variant] else title for variant, title in titles.items()}
