"""A preset is TOML; this is its typed form, and that of one cell of its grid."""

from __future__ import annotations

import json
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, NonNegativeInt, PositiveFloat, PositiveInt

# What cannot change a record of that kind is left out of its key, so that changing it repeats no work.
NO_INFLUENCE = {
    "quality": {"preset", "title", "series", "limit_seconds", "timing_seconds"},
    "timing": {"preset", "title", "series", "limit_seconds", "n_samples", "curve_points", "curve_nfe", "scores"},
}


def _distinct(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError("without repeated values")
    return values


def _canonical(value: JsonValue) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(options: dict[str, JsonValue]) -> dict[str, JsonValue]:
    _canonical(options)
    return options


Distinct = AfterValidator(_distinct)
Names = Annotated[list[str], Distinct]
Counts = Annotated[list[PositiveInt], Field(min_length=1), Distinct]
Options = Annotated[dict[str, JsonValue], AfterValidator(_plain)]
VariantName = Annotated[str, Field(pattern="^[a-z0-9-]+$")]


Extractors = Annotated[list[Literal["cnn", "autoencoder", "inception"]], Field(min_length=1, max_length=2), Distinct]
SCORING = ["cnn", "autoencoder"]
Score = Literal["recognition", "probe", "samples", "likelihood", "chain", "reconstruction", "signals"]
SCORES = list(get_args(Score))
Scores = Annotated[list[Score], Field(min_length=1), Distinct]
Ways = Annotated[list[Literal["bfloat16", "channels_last", "compiled"]], Distinct]


class Strict(BaseModel):
    """Immutable, refuses unknown keys, and takes a value only if it already has the declared type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Budget(Strict):
    """Training FLOPs of one cell, by the paradigm's task."""

    generation: PositiveFloat
    recognition: PositiveFloat


class Variant(Strict):
    """A paradigm with its options: what a row of the tables is about.

    samplers: empty means the paradigm's first. nfe, datasets, scores: None means the preset's. nfe_of: other NFEs for a
    sampler. budget: times the preset's. trials: options, one cell each, of which the best on the validation split
    counts. series: variants that share it are points of one line in figures over depth. timed: whether it has timing
    cells. init_from: variant of the preset from whose trained chain it goes on; its budget includes that one's.
    """

    paradigm: str
    title: str | None = None
    samplers: Names = []
    nfe: Counts | None = None
    nfe_of: dict[str, Counts] = {}
    options: Options = {}
    trials: list[Options] = []
    budget: PositiveFloat = 1.0
    datasets: Names | None = None
    scores: Scores | None = None
    series: str | None = None
    timed: bool = True
    init_from: VariantName | None = None


def _descended(variants: dict[str, Variant]) -> dict[str, Variant]:
    """The variants, each after the one that it starts from."""
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
    for name, variant in variants.items():
        if variant.init_from and variants[variant.init_from].trials:
            raise ValueError(f"with an init_from that has no trials: {name}.init_from = {variant.init_from!r}")
    return ordered


class Preset(Strict):
    """A grid of cells: variants x data sets x repetitions, and how each is measured.

    threads, limit_seconds: of one cell. n_samples: generated images per FID, "train" for as many as training images.
    curve_points: evaluations along training, each at those of the NFEs that are in `curve_nfe`.
    timing_seconds: spent on each measured quantity.
    timing_launches: timing cells a variant, each in a process of its own, since repeats within one are not independent.
    scores: what is scored where a paradigm can do it. budget_of: data set -> times the budget.
    extractors: the one or two networks that score; "inception" needs its weights in the data directory.
    compute: ways in which the generators' networks are computed, as in `paradigms.parts.networks.shared_network`.
    """

    name: str
    description: str
    datasets: Annotated[Names, Field(min_length=1)]
    seeds: PositiveInt
    base_seed: int = 0
    nfe: Counts
    n_samples: PositiveInt | Literal["train"] = "train"
    threads: PositiveInt = 1
    limit_seconds: PositiveFloat
    curve_points: PositiveInt
    curve_nfe: Counts
    sample_batch: PositiveInt
    timing_seconds: PositiveFloat
    timing_launches: NonNegativeInt = 1
    scores: Scores = SCORES
    budget_of: dict[str, PositiveFloat] = {}
    extractors: Extractors = SCORING
    compute: Ways = []
    budget_flops: Budget
    variants: Annotated[dict[VariantName, Variant], Field(min_length=1), AfterValidator(_descended)]
