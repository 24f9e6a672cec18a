"""Every setting of a cell, declared once, in groups by what it decides: weights, scores, measured costs or nothing.

A preset has the groups for all of its variants, a variant has some of them for itself, and a cell has all of them. The
group of a setting decides which of the cell's keys it is part of.
"""

from __future__ import annotations

import json
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, PositiveFloat


def _distinct(values: list) -> list:
    if len(set(values)) < len(values):
        raise ValueError("without repeated values")
    return values


def canonical(value: JsonValue) -> str:
    """JSON text of a value, the same for equal values, for hashing.

    Raises ValueError for NaN and infinities.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _plain(options: dict[str, JsonValue]) -> dict[str, JsonValue]:
    canonical(options)
    return options


# Files are named by it, and a cell may come from a record of someone else: it must lead into no other folder.
FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]*$", max_length=200)]
Distinct = AfterValidator(_distinct)
Names = Annotated[list[str], Distinct]
# No count is so large that to list it takes minutes, or to allocate it all memory of a computer.
Count = Annotated[int, Field(gt=0, le=10_000_000)]
Few = Annotated[int, Field(gt=0, le=10_000)]
Counts = Annotated[list[Few], Field(min_length=1, max_length=1000), Distinct]
Options = Annotated[dict[str, JsonValue], AfterValidator(_plain)]
Extractors = Annotated[list[Literal["cnn", "autoencoder", "inception"]], Field(min_length=1, max_length=2), Distinct]
Score = Literal["recognition", "probe", "samples", "likelihood", "chain", "reconstruction", "signals"]
Scores = Annotated[list[Score], Field(min_length=1), Distinct]
Compute = Annotated[list[Literal["bfloat16", "channels_last", "compiled"]], Distinct]
SCORING = ["cnn", "autoencoder"]
SCORES = list(get_args(Score))


class Strict(BaseModel):
    """Base of the typed models: immutable, refuses unknown keys, and converts no value from another type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class DeclaredLook(Strict):
    """How the line of a variant is drawn in every figure.

    color: name of a colour of the palette.
    marker: a matplotlib marker.
    dash: line style.
    """

    color: Literal["black", "orange", "sky", "green", "blue", "vermillion", "purple"]
    marker: str
    dash: Literal["solid", "dashed", "dotted", "dashdot"] = "solid"


class Labels(Strict):
    """How a row is named in tables and drawn in figures; it decides no number.

    title: name in words; None for the title of the paradigm.
    series: variants that share it are points of one line in figures over depth.
    look: colour, marker and dash; None for one derived from the name.
    """

    title: str | None = None
    series: str | None = None
    look: DeclaredLook | None = None


class Method(Strict):
    """Which paradigm is trained, with which options.

    paradigm: name, or path to a paradigm's file.
    options: keyword arguments of the paradigm's class.
    """

    paradigm: str
    options: Options = {}


class TrainSettings(Strict):
    """How a cell is trained; part of its train key.

    threads: CPU threads of one process of a cell.
    devices: GPUs or CPU processes on which a cell trains and samples together, each on its rows of every batch.
    curve_points: number of points of the learning curve, at which the weights are kept and scored.
    compute: how the networks of generators are computed, as in `paradigms.parts.networks.shared_network`.
    """

    threads: Annotated[int, Field(gt=0, le=1024)] = 1
    # Left out where it is 1, as in the records of versions that knew no other number.
    devices: Annotated[int, Field(gt=0, le=1024, exclude_if=lambda n: n == 1)] = 1
    curve_points: Annotated[int, Field(gt=0, le=1000)]
    compute: Compute = []


class Sampling(Strict):
    """Samplers with which a variant is scored.

    samplers: empty means the paradigm's first.
    nfe_of: sampler -> numbers of function evaluations that replace `nfe` for it.
    """

    samplers: Names = []
    nfe_of: dict[str, Counts] = {}


class ScoreSettings(Strict):
    """How trained weights are scored; part of the score key.

    nfe: numbers of function evaluations (NFE) per sample.
    n_samples: generated images per FID; "train" for as many as there are training images.
    curve_nfe: the NFEs at which the points of the learning curve are scored.
    sample_batch: images drawn at a time.
    scores: what is scored, as far as the paradigm is capable of it.
    extractors: the one or two scoring networks; "inception" needs its weights in the data directory.
    """

    nfe: Counts
    n_samples: Count | Literal["train"] = "train"
    curve_nfe: Counts
    sample_batch: Count
    scores: Scores = SCORES
    extractors: Extractors = SCORING


class TimeSettings(Strict):
    """How costs are measured; part of the keys of timing cells.

    timing_seconds: seconds spent on each measured quantity.
    """

    timing_seconds: PositiveFloat


class Limits(Strict):
    """What ends a cell early; it decides no number of a finished one.

    limit_seconds: wall-clock seconds of one cell.
    memory_gib: memory that one cell needs, by which engines place cells; None where that is not known.
    """

    limit_seconds: PositiveFloat
    memory_gib: PositiveFloat | None = None
