"""One cell of a preset's grid, and the keys that say whether its work is done already."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Literal

from benchmarks.plan.settings import (
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
    """Everything that decides the weights: the train key is its hash.

    changes: what this trial changes of the options.
    ancestor: `trained_stem` of the cell that it starts from; None for a start from scratch.
    train_code: hash of the code that training runs.
    """

    dataset: str
    seed: int
    device: Literal["cpu", "cuda"]
    changes: Options = {}
    ancestor: str | None = None
    budget_flops: float
    data_hash: str
    train_code: str


class ScorePlan(Sampling, ScoreSettings):
    """What is read off the weights."""


class Scored(Strict):
    """The code and the networks that read it. extractor_hashes: one per extractor, None for one not built yet."""

    score_code: str
    extractor_hashes: list[str | None]


class Timed(TimeSettings):
    """How costs are measured. cost_code: hash of the code that measures."""

    cost_code: str


class Cell(Labels, Limits, Training, ScorePlan, Scored, Timed):
    """The work of one process: train and score a variant ("quality"), train a common start that is not scored
    ("training"), or time a variant ("timing"), on one data set.

    preset, variant: whose cell it is.
    repetition: number of the training seed or of the timing launch.
    trial: number among the variant's trials; None if it has none.
    """

    kind: Literal["quality", "training", "timing"]
    preset: str
    variant: str
    repetition: int
    trial: int | None = None

    @cached_property
    def train_key(self) -> str:
        """sha256 (hex) of everything that can change the weights, data and code included."""
        configuration = self._part(Training)
        # Where a paradigm's file lies does not matter: what it says is in the code's hash.
        configuration["paradigm"] = Path(self.paradigm).stem
        return _hash(configuration)

    @cached_property
    def key(self) -> str:
        """sha256 (hex) of everything that can change the record: the train key, and what reads numbers off the weights
        or measures costs."""
        parts = {"training": [], "quality": [ScorePlan, Scored], "timing": [ScorePlan, Timed]}[self.kind]
        settings = [self._part(part) for part in parts]
        launch = self.repetition if self.kind == "timing" else None
        return _hash([self.kind, self.train_key, launch, *settings])

    def model_copy(self, **settings) -> Cell:
        """A copy, whose keys are its own and not those that this cell has computed already."""
        copy = super().model_copy(**settings)
        for name in ("key", "train_key"):
            copy.__dict__.pop(name, None)
        return copy

    def _part(self, group: type[Strict]) -> dict:
        # Without what is at its default, so that a setting added later keeps the keys of what was made before it.
        return self.model_dump(include=set(group.model_fields), exclude_defaults=True)

    def nfes(self, sampler: str) -> list[int]:
        """The numbers of evaluations to score `sampler` at, as far as it allows them."""
        return self.nfe_of.get(sampler, self.nfe)

    @property
    def place(self) -> str:
        """Names the cell whatever its key: "diffusion.digits.s0", or "diffusion.digits.timing", then "...timing1"; its
        trials are "...s0t0", "...s0t1"; a common start on 6e11 FLOPs is "...s0b6e11"."""
        number = f"timing{self.repetition or ''}" if self.kind == "timing" else f"s{self.repetition}"
        number += "" if self.trial is None else f"t{self.trial}"
        number += f"b{self.budget_flops:.3g}".replace("+", "").replace(".", "-") if self.kind == "training" else ""
        return f"{self.variant}.{self.dataset}.{number}"

    @property
    def stem(self) -> str:
        """The name of the cell's record: its place and the start of its key."""
        return f"{self.place}.{self.key[:8]}"

    @property
    def trained_stem(self) -> str:
        """The name of the folder of its weights: its place and the start of its train key."""
        return f"{self.place}.{self.train_key[:8]}"

    @property
    def work_stem(self) -> str:
        """The name of the folder of its log and checkpoint, which survives a change of what is scored."""
        return self.stem if self.kind == "timing" else self.trained_stem


def _hash(value: object) -> str:
    return hashlib.sha256(canonical(value).encode()).hexdigest()
