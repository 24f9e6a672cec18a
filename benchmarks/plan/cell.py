"""One cell of a preset's grid: all its settings, its keys and its names.

A cell whose key is that of a finished record is not run again. A cell whose train key is that of finished weights is
scored without training.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Literal

from benchmarks.plan.settings import (
    FileName,
    Labels,
    Limits,
    Method,
    Options,
    Sampling,
    ScoreSettings,
    Strict,
    TimeSettings,
    TrainSettings,
    canonical,
)


class Training(Method, TrainSettings):
    """Everything that decides the weights; the train key is its hash.

    dataset: name.
    seed: training seed.
    device: "cpu" or "cuda".
    changes: options that this trial changes.
    ancestor: `trained_stem` of the cell whose weights it starts from; None for a start from scratch.
    budget_flops: training FLOPs, those of the ancestor included.
    data_hash: SHA-256 (hex) of the data set's arrays.
    train_code: hash of the code that training runs.
    """

    dataset: FileName
    seed: int
    device: Literal["cpu", "cuda"]
    changes: Options = {}
    ancestor: FileName | None = None
    budget_flops: float
    data_hash: str
    train_code: str


class ScorePlan(Sampling, ScoreSettings):
    """How the weights are sampled and scored."""


class Scored(Strict):
    """The code and the networks that score.

    score_code: hash of the code that scoring runs.
    extractor_hashes: one per extractor; None for a scoring network that is not trained yet.
    """

    score_code: str
    extractor_hashes: list[str | None]


class Timed(TimeSettings):
    """How costs are measured.

    cost_code: hash of the code that measures.
    """

    cost_code: str


class Cell(Labels, Limits, Training, ScorePlan, Scored, Timed):
    """The work of one process: one variant on one data set with one seed.

    kind: "quality" to train and score, "training" to train a common start without scoring it, "timing" to time.
    preset, variant: names of the preset and of its row.
    repetition: index of the training seed, or of the timing launch.
    trial: index among the variant's trials; None if it has none.

    The other settings are those of its base classes.
    """

    kind: Literal["quality", "training", "timing"]
    preset: str
    variant: FileName
    repetition: int
    trial: int | None = None

    @cached_property
    def train_key(self) -> str:
        """SHA-256 (hex) of everything that can change the weights, including data and code."""
        configuration = self._part(Training)
        # Without the folder of a paradigm's file: its content is in the hash of the code.
        configuration["paradigm"] = Path(self.paradigm).stem
        return _hash(configuration)

    @cached_property
    def key(self) -> str:
        """SHA-256 (hex) of everything that can change the record: the train key, and how it is scored or timed."""
        parts = {"training": [], "quality": [ScorePlan, Scored], "timing": [ScorePlan, Timed]}[self.kind]
        settings = [self._part(part) for part in parts]
        launch = self.repetition if self.kind == "timing" else None
        return _hash([self.kind, self.train_key, launch, *settings])

    @classmethod
    def of_record(cls, record: dict) -> Cell:
        """The cell that a record is about.

        Raises KeyError or pydantic.ValidationError where the record was written by a version with other settings.
        Limits, which decide no number, may be absent, and so may the number of devices, which once was always 1.
        """
        optional = {*Limits.model_fields, "devices"}
        known = [name for name in cls.model_fields if name in record["cell"] or name not in optional]
        return cls.model_validate({name: record["cell"][name] for name in known})

    def model_copy(self, **settings) -> Cell:
        """A copy that computes its own keys, instead of copying those that this cell has computed already."""
        copy = super().model_copy(**settings)
        for name in ("key", "train_key"):
            copy.__dict__.pop(name, None)
        return copy

    def _part(self, group: type[Strict]) -> dict:
        # Settings at their defaults are left out, so that a new setting does not change the keys of earlier cells.
        return self.model_dump(include=set(group.model_fields), exclude_defaults=True)

    def nfes(self, sampler: str) -> list[int]:
        """Numbers of function evaluations requested of a sampler; it may not allow all of them.

        sampler: a sampler of the paradigm.
        """
        return self.nfe_of.get(sampler, self.nfe)

    @property
    def place(self) -> str:
        """Name of the cell without its key.

        "diffusion.digits.s0" for a seed, "diffusion.digits.s0t1" for a trial, "diffusion.digits.timing" and
        "diffusion.digits.timing1" for timing launches, "diffusion.digits.s0b6e11" for a common start on 6e11 FLOPs.
        """
        number = f"timing{self.repetition or ''}" if self.kind == "timing" else f"s{self.repetition}"
        number += "" if self.trial is None else f"t{self.trial}"
        number += f"b{self.budget_flops:.3g}".replace("+", "").replace(".", "-") if self.kind == "training" else ""
        return f"{self.variant}.{self.dataset}.{number}"

    @property
    def stem(self) -> str:
        """Name of the cell's record: its place and the start of its key."""
        return f"{self.place}.{self.key[:8]}"

    @property
    def trained_stem(self) -> str:
        """Name of the folder of its weights: its place and the start of its train key."""
        return f"{self.place}.{self.train_key[:8]}"

    @property
    def work_stem(self) -> str:
        """Name of the folder of its log and checkpoint; a change of what is scored does not change it."""
        return self.stem if self.kind == "timing" else self.trained_stem


def _hash(value: object) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()
