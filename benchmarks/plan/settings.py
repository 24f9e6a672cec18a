"""Every setting of a cell, declared once, in the group that says what it decides: weights, numbers, times or nothing.

A preset sets the groups for all of its variants, a variant some of them for itself, and a cell carries them all. The
group that a setting stands in decides which of a cell's keys it is part of.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, PositiveFloat, PositiveInt


def _distinct(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError("without repeated values")
    return values


def canonical(value: JsonValue) -> str:
    """The one JSON text of a value, for hashing. Raises ValueError for NaN and infinities."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(options: dict[str, JsonValue]) -> dict[str, JsonValue]:
    canonical(options)
    return options


Distinct = AfterValidator(_distinct)
Names = Annotated[list[str], Distinct]
Counts = Annotated[list[PositiveInt], Field(min_length=1), Distinct]
Options = Annotated[dict[str, JsonValue], AfterValidator(_plain)]
Extractors = Annotated[list[Literal["cnn", "autoencoder", "inception"]], Field(min_length=1, max_length=2), Distinct]
Score = Literal["recognition", "probe", "samples", "likelihood", "chain", "reconstruction", "signals"]
Scores = Annotated[list[Score], Field(min_length=1), Distinct]
Compute = Annotated[list[Literal["bfloat16", "channels_last", "compiled"]], Distinct]
SCORING = ["cnn", "autoencoder"]
SCORES = list(get_args(Score))


class Strict(BaseModel):
    """Immutable, refuses unknown keys, and takes a value only if it already has the declared type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class DeclaredLook(Strict):
    """How a variant is drawn: colour, marker and dash of its line in every figure."""

    color: Literal["black", "orange", "sky", "green", "blue", "vermillion", "purple"]
    marker: str
    dash: Literal["solid", "dashed", "dotted", "dashdot"] = "solid"


class Labels(Strict):
    """What names a row in tables and figures; decides no number.

    title: name in words; None for the paradigm's own.
    series: variants that share it are points of one line in figures over depth.
    look: colour, marker and dash; None for one derived from the name.
    """

    title: str | None = None
    series: str | None = None
    look: DeclaredLook | None = None


class Method(Strict):
    """What is trained.

    paradigm: name, or path to a paradigm's file.
    options: keyword arguments of the paradigm's class.
    """

    paradigm: str
    options: Options = {}


class TrainSettings(Strict):
    """How it is trained; decides the weights.

    threads: CPU threads of one cell.
    curve_points: moments along training at which the weights are kept and scored.
    compute: ways in which the generators' networks are computed, as in `paradigms.parts.networks.shared_network`.
    """

    threads: PositiveInt = 1
    curve_points: PositiveInt
    compute: Compute = []


class Sampling(Strict):
    """Which samplers a variant is scored with.

    samplers: empty means the paradigm's first.
    nfe_of: sampler -> its own numbers of evaluations, in place of `nfe`.
    """

    samplers: Names = []
    nfe_of: dict[str, Counts] = {}


class ScoreSettings(Strict):
    """What is read off the trained weights; decides the numbers.

    nfe: numbers of function evaluations (NFE) per sample.
    n_samples: generated images per FID; "train" for as many as training images.
    curve_nfe: those of the NFEs at which the weights kept along training are scored.
    sample_batch: images drawn at a time.
    scores: what is scored where a paradigm can do it.
    extractors: the one or two scoring networks; "inception" needs its weights in the data directory.
    """

    nfe: Counts
    n_samples: PositiveInt | Literal["train"] = "train"
    curve_nfe: Counts
    sample_batch: PositiveInt
    scores: Scores = SCORES
    extractors: Extractors = SCORING


class TimeSettings(Strict):
    """How costs are measured; decides the timing cells.

    timing_seconds: spent on each measured quantity.
    """

    timing_seconds: PositiveFloat


class Limits(Strict):
    """What ends a cell; decides no number of one that finishes.

    limit_seconds: wall-clock seconds of one cell.
    """

    limit_seconds: PositiveFloat
