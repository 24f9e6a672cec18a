"""Timings in turns: every quantity once in each of several rounds, after a fixed reference.

On a shared computer the speed changes by the minute. Quantities that are timed one after the other then contradict each
other; in turns, a slow minute slows all of them alike, and rounds that disagree show it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.cost.clock import Timing, time_repeats

N_ROUNDS = 3
REFERENCE_SIZE = {"cpu": 512, "cuda": 4096}  # n of the product of two n x n matrices
REFERENCE_REPEATS = 5


@dataclass(frozen=True)
class Rounds:
    """Timings of one call.

    timings: one per round.
    """

    timings: tuple[Timing, ...]

    @property
    def seconds(self) -> list[float]:
        """Median seconds of the call in each round."""
        return [timing.median_seconds for timing in self.timings]

    @property
    def median_seconds(self) -> float:
        """Median over the rounds of their medians."""
        return float(np.median(self.seconds))

    @property
    def p90_seconds(self) -> float:
        """Median over the rounds of their 90th percentiles."""
        return float(np.median([timing.p90_seconds for timing in self.timings]))

    def ratio(self, references: Sequence[float]) -> float:
        """Returns the median over the rounds of the seconds, divided by those of the reference in the same round."""
        return float(np.median(np.divide(self.seconds, references)))


def in_turns(
    quantities: Mapping[Hashable, Callable[[], Timing]], progress: Callable[[float], None]
) -> dict[Hashable, Rounds]:
    """Returns the timings of every quantity, taken in the order of `quantities` in each of N_ROUNDS rounds.

    quantities: name -> function that times the call once.
    progress: called with the share of the timings that are taken.
    """
    taken: dict[Hashable, list[Timing]] = {name: [] for name in quantities}
    for turn in range(N_ROUNDS):
        for place, (name, timed) in enumerate(quantities.items()):
            progress((turn + place / len(quantities)) / N_ROUNDS)
            taken[name].append(timed())
    return {name: Rounds(tuple(timings)) for name, timings in taken.items()}


def reference_product(device: torch.device) -> Callable[[], Timing]:
    """Returns a function that times one matrix product of fixed size."""
    n = REFERENCE_SIZE[device.type]
    a, b, out = (torch.ones(n, n, device=device) for _ in range(3))
    return lambda: time_repeats(lambda: torch.mm(a, b, out=out), device, REFERENCE_REPEATS, 0.0)
