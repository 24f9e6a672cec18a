"""One cell of a preset's grid: everything that decides what a process trains, scores or times."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from benchmarks.plan.preset import NO_INFLUENCE, SCORES, SCORING, Strict, _canonical


class Cell(Strict):
    """One process's work: train and score a variant (quality), or time it (timing), on one data set.

    samplers: empty means the paradigm's first. n_samples: None means as many as training images. trial: number among
    the variant's trials, None if it has none; changes: what it changes of the options. ancestor: stem of the cell that
    it starts from, None for a start of its own.
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
    changes: dict[str, JsonValue] = {}  # noqa: RUF012 (pydantic copies it)
    series: str | None = None
    scores: list[str] = SCORES
    ancestor: str | None = None
    seed: int
    device: Literal["cpu", "cuda"]
    threads: int
    nfe: list[int]
    samplers: list[str]
    nfe_of: dict[str, list[int]] = {}  # noqa: RUF012
    extractors: list[str] = SCORING
    compute: list[str] = []  # noqa: RUF012
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
