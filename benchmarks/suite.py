"""A preset is TOML; this is its typed form, and the cells that it asks for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, NonNegativeInt, PositiveFloat, PositiveInt

import paradigms
from benchmarks.errors import BadInput
from benchmarks.fingerprint import code_hash

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
    cells.
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


class Preset(Strict):
    """A grid of cells: variants x data sets x repetitions, and how each is measured.

    threads, limit_seconds: of one cell. n_samples: generated images per FID, "train" for as many as training images.
    curve_points: evaluations along training, each at those of the NFEs that are in `curve_nfe`.
    timing_seconds: spent on each measured quantity.
    timing_launches: timing cells a variant, each in a process of its own, since repeats within one are not independent.
    scores: what is scored where a paradigm can do it. budget_of: data set -> times the budget.
    extractors: the one or two networks that score; "inception" needs its weights in the data directory.
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
    budget_flops: Budget
    variants: Annotated[dict[VariantName, Variant], Field(min_length=1)]


class Cell(Strict):
    """One process's work: train and score a variant (quality), or time it (timing), on one data set.

    samplers: empty means the paradigm's first. n_samples: None means as many as training images. trial: number among
    the variant's trials, None if it has none; changes: what it changes of the options.
    """

    kind: Literal["quality", "timing"]
    preset: str
    variant: str
    paradigm: str
    title: str | None
    options: dict[str, JsonValue]
    dataset: str
    repetition: int
    trial: int | None = None
    changes: dict[str, JsonValue] = {}
    series: str | None = None
    scores: list[str] = SCORES
    seed: int
    device: Literal["cpu", "cuda"]
    threads: int
    nfe: list[int]
    samplers: list[str]
    nfe_of: dict[str, list[int]] = {}
    extractors: list[str] = SCORING
    n_samples: int | None
    budget_flops: float
    curve_points: int
    curve_nfe: list[int]
    sample_batch: int
    timing_seconds: float
    limit_seconds: float
    data_hash: str
    code_hash: str

    @cached_property
    def key(self) -> str:
        """sha256 (hex) of everything that can change the record, data and code included."""
        # Without what is at its default, so that a setting added later keeps the keys of what was made before it.
        configuration = self.model_dump(exclude=NO_INFLUENCE[self.kind], exclude_defaults=True)
        # Where a paradigm's file lies does not matter: what it says is in the code hash.
        configuration["paradigm"] = Path(self.paradigm).stem
        return hashlib.sha256(_canonical(configuration).encode()).hexdigest()

    def nfes(self, sampler: str) -> list[int]:
        """The numbers of evaluations to measure `sampler` at, as far as it allows them."""
        return self.nfe_of.get(sampler, self.nfe)

    @property
    def place(self) -> str:
        """Names the cell whatever its key: "diffusion.digits.s0", or "diffusion.digits.timing", then "...timing1"; its
        trials are "...s0t0", "...s0t1"."""
        number = f"timing{self.repetition or ''}" if self.kind == "timing" else f"s{self.repetition}"
        number += "" if self.trial is None else f"t{self.trial}"
        return f"{self.variant}.{self.dataset}.{number}"

    @property
    def stem(self) -> str:
        """The name of the cell's files: its place and the start of its key."""
        return f"{self.place}.{self.key[:8]}"


def cells(preset: Preset, device: str, data_hashes: Mapping[str, str]) -> list[Cell]:
    """The cells of a preset on a device: quality cells, repetition by repetition, then timing cells, launch by launch.

    data_hashes: data set -> hash of its arrays. Raises BadInput where a paradigm does not say its task.
    """
    found = []
    codes = {name: code_hash(paradigms.source(v.paradigm)) for name, v in preset.variants.items()}
    for kind, repetitions in (("quality", preset.seeds), ("timing", preset.timing_launches)):
        for repetition in range(repetitions):
            for dataset in preset.datasets:
                seed = _seed(preset.base_seed, dataset, repetition)
                hashes = {"data_hash": data_hashes[dataset]}
                place = {"kind": kind, "dataset": dataset, "repetition": repetition, "seed": seed, "device": device}
                for name, variant in preset.variants.items():
                    if dataset not in (variant.datasets or preset.datasets) or (kind == "timing" and not variant.timed):
                        continue
                    settings = _settings(preset, variant, dataset) | hashes | {"code_hash": codes[name]}
                    trials = list(enumerate(variant.trials)) or [(None, {})]
                    # Trials differ in how well they learn, not in how fast; so one of them is timed.
                    for number, changes in trials if kind == "quality" else trials[:1]:
                        trial = number if kind == "quality" else None
                        found.append(Cell(variant=name, trial=trial, changes=changes, **place, **settings))
    return found


def _settings(preset: Preset, variant: Variant, dataset: str) -> dict:
    budget = getattr(preset.budget_flops, task(variant.paradigm))
    shared = {"threads", "curve_points", "curve_nfe", "sample_batch", "timing_seconds", "limit_seconds", "extractors"}
    return preset.model_dump(include=shared) | {
        "preset": preset.name,
        **variant.model_dump(include={"paradigm", "series", "options", "samplers", "nfe_of"}),
        "title": variant.title or variant.series,
        "nfe": variant.nfe or preset.nfe,
        "scores": variant.scores or preset.scores,
        "n_samples": None if preset.n_samples == "train" else preset.n_samples,
        "budget_flops": budget * variant.budget * preset.budget_of.get(dataset, 1.0),
    }


def task(paradigm: str) -> str:
    """The task that decides a paradigm's budget, read without importing it; BadInput if its file does not say."""
    allowed = list(Budget.model_fields)
    found = paradigms.facts(paradigm).get("task")
    if found not in allowed:
        where = paradigms.source(paradigm)
        raise BadInput(f"paradigm file {where}: class fact task = {found!r}; allowed: {', '.join(allowed)}")
    return found


def _seed(*parts: object) -> int:
    # The paradigm is no part: all variants see the same data order and noise, so comparisons are paired.
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:8], "big") >> 1
