"""The primary columns of a preset as the quality gate tests them: one by one, each by one scoring network."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.plan import grid
from benchmarks.plan.preset import Preset
from benchmarks.plan.primaries import Gate, Primary

EXTRACTORS = {"fid_ratio": "first", "fid2_ratio": "second"}


@dataclass(frozen=True)
class PrimaryTest:
    """One test of the quality gate.

    variant: of the preset.
    column: "fid_ratio", "fid2_ratio" (by the second extractor) or "accuracy".
    nfe, sampler: as in `Primary`.
    margin: tolerated change of the values of `scaled`.
    """

    variant: str
    column: str
    nfe: int | None
    sampler: str | None
    margin: float

    @property
    def key(self) -> str:
        """Its name in a baseline, such as "diffusion fid_ratio@8 ipndm"."""
        at = "" if self.nfe is None else f"@{self.nfe}"
        return " ".join(filter(None, [self.variant, f"{self.column}{at}", self.sampler]))

    @property
    def quantity(self) -> str:
        """Its name in words, without the variant."""
        if self.column == "accuracy":
            return "accuracy"
        at = "smallest NFE" if self.nfe is None else f"{self.nfe} NFE"
        by = f", {self.sampler}" if self.sampler else ""
        return f"FID ratio at {at}{by}, {EXTRACTORS[self.column]} scoring network"

    def measured(self, run: Mapping) -> float | None:
        """The value of a finished cell; None where it has none.

        run: as `runs.measure` returns it.
        """
        if self.column == "accuracy":
            return run["accuracy"]
        fitting = [entry for entry in run["samples"] if self.sampler in (None, entry["sampler"])]
        fitting = [entry for entry in fitting if entry["sampler"] == fitting[0]["sampler"]]
        fitting = [entry for entry in fitting if self.nfe in (None, entry["nfe_asked"])]
        return min(fitting, key=lambda entry: entry["nfe_asked"])[self.column] if fitting else None

    def scaled(self, value: float) -> float:
        """A value on the scale of the test, on which lower is better: log FID ratio, or error rate in points."""
        return 100 * (1 - value) if self.column == "accuracy" else math.log(value)

    def unscaled(self, value: float) -> float:
        """The inverse of `scaled`."""
        return 1 - value / 100 if self.column == "accuracy" else math.exp(value)

    def effect(self, change: float) -> float:
        """A change on the scale of the test as readers know it: head over base, or points of accuracy gained."""
        return 0.0 - change if self.column == "accuracy" else math.exp(change)


def primary_tests(preset: Preset) -> list[PrimaryTest]:
    """The tests of a preset's declared primaries, and of a default one for each variant that has none.

    A preset without a `[gate]` table, and a variant that a command adds to a preset, such as the one of a plug-in, are
    tested by accuracy (task recognition) or by the FID ratio at the smallest NFE that is scored.
    """
    gate = preset.gate
    declared = [primary for primary in gate.primaries if primary.variant in preset.variants] if gate else []
    known = {primary.variant for primary in gate.primaries} if gate else set()
    fresh = [
        Primary(variant=name, column="accuracy" if grid.task(variant.paradigm) == "recognition" else "fid_ratio")
        for name, variant in preset.variants.items()
        if name not in known and not variant.only_start
    ]
    table = gate or Gate(primaries=fresh[:1])
    return [test for primary in (*declared, *fresh) for test in _of(primary, table) if _scored(preset, primary)]


def _scored(preset: Preset, primary: Primary) -> bool:
    return not preset.variants[primary.variant].only_start


def _of(primary: Primary, gate: Gate) -> Iterator[PrimaryTest]:
    if primary.column == "accuracy":
        yield PrimaryTest(primary.variant, "accuracy", None, None, primary.margin or gate.margin_points)
        return
    margin = math.log1p(primary.margin or gate.margin_ratio)
    for column in EXTRACTORS:
        yield PrimaryTest(primary.variant, column, primary.nfe, primary.sampler, margin)


def values(wanted: Sequence[PrimaryTest], runs: Sequence[Mapping]) -> dict[str, dict[int, float]]:
    """Key of a test -> training seed -> value, of the runs that are done."""
    found: dict[str, dict[int, float]] = {test.key: {} for test in wanted}
    for run in runs:
        for test in wanted:
            if test.variant == run["variant"] and run["status"] == "done" and (value := test.measured(run)) is not None:
                found[test.key][run["repetition"]] = float(f"{value:.6g}")
    return found
