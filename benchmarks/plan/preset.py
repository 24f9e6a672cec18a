"""The typed form of a preset: a grid of variants, data sets and repetitions, which refuses unknown keys."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, PositiveFloat, ValidationInfo

from benchmarks.errors import nearest
from benchmarks.plan.primaries import Gate
from benchmarks.plan.settings import (
    Counts,
    DeclaredLook,
    Few,
    Labels,
    Limits,
    Method,
    Names,
    Options,
    Sampling,
    Scores,
    ScoreSettings,
    Strict,
    TimeSettings,
    TrainSettings,
)

MAX_NAME = 100  # characters, since a name is a part of the names of files
VariantName = Annotated[str, Field(pattern="^[a-z0-9-]+$", max_length=MAX_NAME)]
Share = Annotated[float, Field(gt=0, lt=1)]
Evaluations = Few | Literal["best"]


class Budget(Strict):
    """Training FLOPs of one cell, by the task of its paradigm.

    generation, recognition: FLOPs.
    """

    generation: PositiveFloat
    recognition: PositiveFloat


class Variant(Labels, Method, Sampling):
    """A paradigm with its options: one row of the tables per data set.

    nfe, datasets, scores: replace the preset's; None to keep these.
    budget: factor on the preset's training FLOPs.
    trials: sets of options, each of which is trained in a cell; the best on the validation split is reported.
    timed: whether it has timing cells.
    only_start: whether it only serves as a start of other variants, without scores and without a row.
    init_from: variant of the preset whose trained weights it starts from; their cost is part of its budget.
    init_share: share of this variant's budget on which the start is trained, in a cell of its own that is not scored;
        None to start from the finished cell of `init_from`.
    """

    nfe: Counts | None = None
    datasets: Names | None = None
    scores: Scores | None = None
    budget: PositiveFloat = 1.0
    trials: list[Options] = []
    timed: bool = True
    only_start: bool = False
    init_from: VariantName | None = None
    init_share: Share | None = None


def family(title: str) -> str:
    """What the titles of chains of several lengths share: the text before the first number, such as "One loss" of
    "One loss, 4-step chain" and "Unrolled, K" of "Unrolled, K = 4"."""
    return re.split(r" = |,? \d", title, maxsplit=1)[0]


def _checked(variants: dict[str, Variant]) -> dict[str, Variant]:
    """The variants, each after the one that it starts from. Raises ValueError where that order does not exist."""
    for name, variant in variants.items():
        if variant.init_share is not None and variant.init_from is None:
            raise ValueError(f"with an init_from wherever there is an init_share: {name} has none")
        start = variants.get(variant.init_from or "")
        if start and start.trials:
            raise ValueError(f"with an init_from that has no trials: {name}.init_from = {variant.init_from!r}")
        if start and start.init_from and variant.init_share is not None:
            raise ValueError(
                f"with an init_share of a variant that starts from scratch: {name}.init_from = {variant.init_from!r}"
            )
    return _descended(variants)


def _descended(variants: dict[str, Variant]) -> dict[str, Variant]:
    ordered: dict[str, Variant] = {}
    left = dict(variants)
    while left:
        ready = [name for name, variant in left.items() if variant.init_from is None or variant.init_from in ordered]
        if not ready:
            name, variant = next(iter(left.items()))
            known = "it starts from itself in the end" if variant.init_from in variants else "no such variant"
            raise ValueError(
                f"with an init_from that is another variant: {name}.init_from = {variant.init_from!r}, {known}"
            )
        ordered |= {name: left.pop(name) for name in ready}
    return ordered


class Pair(Strict):
    """Two variants whose FIDs are compared seed by seed, as the ratio of a over b; decides no number of a cell.

    a, b: variants of the preset; the same one twice compares two of its NFEs or samplers.
    nfe: evaluations per sample of both, or "best" for those with the lowest mean FID ratio by the first extractor.
    nfe_b: that of b where it differs.
    sampler_a, sampler_b: None for the one with the lowest mean FID ratio at that NFE by the first extractor.
    claim: what the ratio decides, such as the number of a hypothesis.
    """

    a: VariantName
    b: VariantName
    nfe: Evaluations
    nfe_b: Evaluations | None = None
    sampler_a: str | None = None
    sampler_b: str | None = None
    claim: str = ""


def _of_known_variants(pair: Pair, info: ValidationInfo) -> Pair:
    """The pair. Raises ValueError where one of its variants is not in the preset."""
    variants = info.data.get("variants", {pair.a, pair.b})  # absent where the variants are refused themselves
    for side in ("a", "b"):
        if (name := getattr(pair, side)) not in variants:
            raise ValueError(f"of variants of the preset: {side} = {name!r}, no such variant{nearest(name, variants)}")
    return pair


def _primaries_of_known_variants(gate: Gate, info: ValidationInfo) -> Gate:
    """The gate. Raises ValueError where one of its primaries is of a variant that is not in the preset."""
    known = info.data.get("variants")
    for primary in gate.primaries:
        name = primary.variant
        if known is not None and name not in known:
            raise ValueError(f"of variants of the preset: variant = {name!r}, no such variant{nearest(name, known)}")
    return gate


class Preset(TrainSettings, ScoreSettings, TimeSettings, Limits):
    """A grid of cells: variants x data sets x repetitions, with the settings of all of them.

    name: name of the file without .toml.
    description: one line for `list`.
    datasets: names of data sets.
    seeds: number of repetitions of every cell, each with its own training seed.
    base_seed: number from which all training seeds are derived.
    timing_launches: timing cells per variant, each in its own process, because repeats in one process are dependent.
    budget_flops: training FLOPs of a cell.
    budget_of: data set of the preset -> factor on budget_flops.
    looks: series, or family of chains of several lengths, -> how its line is drawn.
    pairs: which variants' FIDs the report compares seed by seed.
    variants: name -> row of the tables.
    gate: what the regression gate decides quality by; None for the defaults of `gate.primaries`.
    """

    name: str
    description: str
    datasets: Annotated[Names, Field(min_length=1)]
    seeds: Few
    base_seed: int = 0
    timing_launches: Annotated[int, Field(ge=0, le=10_000)] = 1
    budget_flops: Budget
    budget_of: dict[str, PositiveFloat] = {}
    looks: dict[str, DeclaredLook] = {}
    variants: Annotated[dict[VariantName, Variant], Field(min_length=1), AfterValidator(_checked)]
    pairs: list[Annotated[Pair, AfterValidator(_of_known_variants)]] = []
    gate: Annotated[Gate, AfterValidator(_primaries_of_known_variants)] | None = None
