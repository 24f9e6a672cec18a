"""The pairs of variants that the presets of a results folder compare by their FIDs."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from benchmarks.plan.preset import Pair
from benchmarks.report.frames.looks import keys_of_preset


class DeclaredPair(NamedTuple):
    """A pair and the preset that declares it, whose pairs are one family of tests."""

    preset: str
    pair: Pair


def declared(records: Iterable[dict], folder: Path) -> tuple[DeclaredPair, ...]:
    """The pairs that the presets of the records declare, in the order of their files.

    folder: the results folder, which may hold a preset's file as well. A preset whose file no longer exists has none;
    what is no valid pair is left out with a warning. A pair that several presets declare, since one is `like` another,
    belongs to the first of them in alphabetical order.
    """
    found: dict[Pair, str] = {}
    for preset in sorted({record["cell"].get("preset") or "" for record in records}):
        for raw in keys_of_preset(preset, folder).get("pairs", []):
            if pair := _read(raw, preset):
                found.setdefault(pair, preset)
    return tuple(DeclaredPair(preset, pair) for pair, preset in found.items())


def _read(raw: object, preset: str) -> Pair | None:
    try:
        return Pair.model_validate(raw)
    except ValidationError as error:
        message = error.errors()[0]["msg"]
        warnings.warn(f"left out of the report: a pair of preset {preset}, {raw}: {message}", stacklevel=4)
        return None
