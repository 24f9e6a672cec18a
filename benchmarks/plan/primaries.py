"""The `[gate]` table of a preset: which columns a quality gate decides by, and how much worse they may become."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, PositiveInt

from benchmarks.plan.settings import Strict

MOST = 8  # every further primary column makes all of them less sensitive (Holm)


class Primary(Strict):
    """One primary column of a variant.

    variant: of the preset.
    column: "fid_ratio", which is decided by each extractor, or "accuracy".
    nfe: requested evaluations per sample of an FID ratio; None for the smallest that is scored.
    sampler: None for the variant's first.
    margin: replaces the table's `margin_ratio` or `margin_points`.
    """

    variant: Annotated[str, Field(pattern="^[a-z0-9-]+$")]
    column: Literal["fid_ratio", "accuracy"]
    nfe: PositiveInt | None = None
    sampler: str | None = None
    margin: PositiveFloat | None = None


def _ascending(looks: list[int]) -> list[int]:
    if looks != sorted(set(looks)) or looks[0] < 2:
        raise ValueError("ascending numbers of seeds, at least 2 each, such as [3, 5, 10]")
    return looks


class Gate(Strict):
    """What the quality gate compares; it decides no number of a cell.

    primaries: at most eight.
    margin_ratio: tolerated relative increase of an FID ratio.
    margin_points: tolerated loss of accuracy, in percentage points.
    looks: numbers of training seeds after which the gate decides what it can.
    reduced: name or path of a preset with the same variants and shorter trainings, compared first; None for none.
    """

    primaries: Annotated[list[Primary], Field(min_length=1, max_length=MOST)]
    margin_ratio: PositiveFloat = 0.15
    margin_points: PositiveFloat = 1.0
    looks: Annotated[list[PositiveInt], Field(min_length=1), AfterValidator(_ascending)] = [3, 5, 10]
    reduced: str | None = None
