"""Samples drawn by several ranks, each of which draws its rows of what one process would draw.

A sampler need not know of ranks, so it is tried on a few samples: where its rows do not equal those of one process, it
draws all of them on every rank, which is right and saves no time.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from benchmarks.score.nfe import count_evaluations
from paradigms.base import Paradigm
from paradigms.training.ranks import Ranks

TOLERANCE = 1e-3  # of a pixel: rounding grows along a chain, and other noise makes another image
SEED = 2012


class Samples(NamedTuple):
    """Images x (n, C, H, W), their requested classes (n,) or None, and the rows that entered the link for them."""

    x: Tensor
    label: Tensor | None
    rows: int


class SplitSampling:
    """Draws samples of a paradigm with all ranks.

    paradigm: with equal weights on every rank.
    ranks: the processes.
    """

    def __init__(self, paradigm: Paradigm, ranks: Ranks):
        self.paradigm, self.ranks = paradigm, ranks
        self.can_split: dict[tuple[str, int], bool] = {}

    def samples(self, n: int, nfe: int, generator: torch.Generator, sampler: str) -> Samples:
        """Returns the n samples that one process would draw, on every rank; arguments as in `Paradigm.sample`."""
        if self.ranks.n > 1 and n >= self.ranks.n and self._splits(sampler, nfe):
            return self._by_all(n, nfe, generator, sampler)
        return self._by_one(n, nfe, generator, sampler)

    def _by_one(self, n: int, nfe: int, generator: torch.Generator, sampler: str) -> Samples:
        with count_evaluations(self.paradigm.link()) as counter:
            if self.paradigm.can("sample_labelled"):
                x, label = self.paradigm.sample_labelled(n, nfe, generator, sampler)
            else:
                x, label = self.paradigm.sample(n, nfe, generator, sampler), None
        return Samples(x, label, counter.rows)

    def _by_all(self, n: int, nfe: int, generator: torch.Generator, sampler: str) -> Samples:
        with self.ranks.splitting(n) as n_own:
            own = self._by_one(n_own, nfe, generator, sampler)
        x, label = (None if part is None else self.ranks.gathered(part, n) for part in own[:2])
        return Samples(x, label, int(self.ranks.sum(own.rows)))

    def _splits(self, sampler: str, nfe: int) -> bool:
        """Whether the ranks draw what one process draws; tried once per sampler and number of evaluations."""
        if (sampler, nfe) not in self.can_split:
            one, all_ = (
                draw(2 * self.ranks.n + 1, nfe, torch.Generator(self.paradigm.device).manual_seed(SEED), sampler)
                for draw in (self._by_one, self._by_all)
            )
            equal = one.x.shape == all_.x.shape and float((one.x - all_.x).abs().max()) <= TOLERANCE
            self.can_split[sampler, nfe] = all(self.ranks.each(float(equal)))
        return self.can_split[sampler, nfe]
