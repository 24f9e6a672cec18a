"""The cost of sampling: throughput in batches, latency of one image, and the share of the network in the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.cost import sanity_checks
from benchmarks.cost.clock import Timing, time_calls, time_repeats
from benchmarks.cost.energy import joules_per_call
from benchmarks.cost.memory import peak_memory
from benchmarks.cost.rounds import N_ROUNDS, Rounds, in_turns, reference_product
from benchmarks.flops import flops_per_sample
from benchmarks.job import Job
from paradigms.base import Paradigm

WARMUP_SECONDS = 0.2
MIN_REPEATS = 3
MIN_LATENCIES = 4  # in a round
LONG = 4.0  # after so many times the requested seconds two repeats are enough


class LinkCall(NamedTuple):
    """One evaluation of the link alone.

    call: the evaluation.
    images: how many images it is of, as a share of a batch of samples.
    """

    call: Callable[[], object]
    images: float


class SampleClock:
    """Times the samplers of one untrained paradigm.

    job: the timing cell. Its seconds per quantity are divided among the rounds.
    paradigm: the job's, untrained.
    counter: of energy, from `energy_counter`; None for no counter.
    """

    def __init__(self, job: Job, paradigm: Paradigm, counter: Callable[[], float] | None):
        self.job, self.paradigm, self.counter = job, paradigm, counter
        self.seconds, self.batch = job.cell.timing_seconds, job.cell.sample_batch
        self.generator = torch.Generator(job.device).manual_seed(job.cell.seed)

    @torch.no_grad()
    def rows(self, samplers: Sequence[str], progress: Callable) -> list[dict]:
        """Returns the record's entries, one per sampler and NFE of the cell that it allows.

        All are timed in turns. A round begins with a matrix product and an evaluation of the link as the first sampler
        calls it, which together are the reference.
        """
        evaluations, rows = {}, []
        for sampler in samplers:
            allowed = [nfe for nfe in self.job.cell.nfes(sampler) if self.paradigm.allows(nfe, sampler)]
            for nfe in allowed:
                if nfe == allowed[0]:
                    evaluations[sampler] = self.evaluation(sampler, nfe)
                rows.append(self._prepared(sampler, nfe, first=nfe == allowed[0]))
        quantities = {("product",): reference_product(self.job.device)}
        for sampler, evaluation in evaluations.items():
            if evaluation is not None:
                quantities["evaluation", sampler] = self.in_a_round(evaluation.call, 1, self.seconds)
        references = list(quantities)[:2]
        for row in rows:
            sampler, nfe = row["sampler"], row["nfe"]
            many, one = self.draw(self.batch, nfe, sampler), self.draw(1, nfe, sampler)
            quantities["batch", sampler, nfe] = self.in_a_round(many, 1, self.seconds)
            quantities["one", sampler, nfe] = self.in_a_round(one, MIN_LATENCIES, self.seconds / 2)
        found = in_turns(quantities, partial(progress, "timing samples"))
        reference = np.sum([found[name].seconds for name in references], axis=0)
        return [row | self._measured(row, evaluations[row["sampler"]], found, reference) for row in rows]

    @torch.no_grad()
    def evaluation(self, sampler: str, nfe: int) -> LinkCall | None:
        """Returns one evaluation by the link alone, at the inputs of the chain's first call for a batch.

        None where the chain does not call the link.
        """
        link, calls = self.paradigm.link(), []

        def keep(_, args: tuple, kwargs: dict) -> None:
            if not calls:
                copies = ({k: _copy(v) for k, v in kwargs.items()}, [_copy(value) for value in args])
                calls.append(copies)

        handle = link.register_forward_pre_hook(keep, with_kwargs=True)
        try:
            self.draw(self.batch, nfe, sampler)()
        finally:
            handle.remove()
        if not calls:
            return None
        kwargs, args = calls[0]
        rows = next(len(a) for a in (*args, *kwargs.values()) if isinstance(a, Tensor) and a.dim())
        return LinkCall(lambda: link(*args, **kwargs), rows / self.batch)

    @torch.no_grad()
    def hidden_work(self, sampler: str) -> str | None:
        """Returns a flag where many evaluations take hardly longer than one, else None.

        None also where the sampler does not allow these numbers of evaluations.
        """
        counts = (1, sanity_checks.MANY)
        if not all(self.paradigm.allows(nfe, sampler) for nfe in counts):
            return None
        draws = [self.draw(sanity_checks.MANY_BATCH, nfe, sampler) for nfe in counts]
        one = time_calls(draws[0], self.job.device, 0.0, MIN_REPEATS, self.seconds / 4).median_seconds
        many = time_repeats(draws[1], self.job.device, 1, 0.0).median_seconds
        return sanity_checks.hidden_work(sampler, one, many)

    def draw(self, n: int, nfe: int, sampler: str) -> Callable[[], Tensor]:
        """Returns a call that generates n images."""
        return lambda: self.paradigm.sample(n, nfe, self.generator, sampler)

    def in_a_round(self, call: Callable[[], object], repeats: int, seconds: float) -> Callable[[], Timing]:
        """Returns a function that times `call` in one round.

        repeats: calls in a round, at least.
        seconds: of all rounds together, at least.
        """
        limits = (repeats, seconds / N_ROUNDS, LONG * seconds / N_ROUNDS)
        return lambda: time_repeats(call, self.job.device, *limits)

    def _prepared(self, sampler: str, nfe: int, first: bool) -> dict:
        """Returns what an entry needs no clock for, and warms its calls up."""
        draw = self.draw(self.batch, nfe, sampler)
        # What is slow only once (allocation, autotuning) is slow at a sampler's first NFE: warm-up is measured there.
        # At later ones the call whose memory is measured serves as the warm-up.
        warmup = time_calls(draw, self.job.device, WARMUP_SECONDS, 1, 0.0).warmup_seconds if first else None
        peak = peak_memory(draw, self.job.device)
        self.draw(1, nfe, sampler)()
        return {
            "sampler": sampler,
            "nfe": nfe,
            "batch": self.batch,
            "flops_per_sample": flops_per_sample(self.paradigm, nfe, sampler),
            "warmup_seconds": warmup,
            "peak_sample_bytes": peak["allocated_bytes"],
            "peak_sample_reserved_bytes": peak["reserved_bytes"],
        }

    def _measured(
        self, row: dict, evaluation: LinkCall | None, found: dict[tuple, Rounds], reference: np.ndarray
    ) -> dict:
        """Returns what an entry takes from the rounds; `reference` is the reference's seconds in each."""
        sampler, nfe = row["sampler"], row["nfe"]
        many, one = found["batch", sampler, nfe], found["one", sampler, nfe]
        alone = found.get(("evaluation", sampler))
        joules = joules_per_call(self.draw(self.batch, nfe, sampler), self.job.device, self.counter)
        return {
            "sample_images_per_second": self.batch / many.median_seconds,
            "sample_ms_per_image": 1000 * many.median_seconds / self.batch,
            "latency_ms_batch1": 1000 * one.median_seconds,
            "latency_p50_ms": 1000 * one.median_seconds,
            "latency_p90_ms": 1000 * one.p90_seconds,
            "sampler_efficiency": alone and nfe / evaluation.images / many.ratio(alone.seconds),
            "energy_joules_per_image": joules and joules / self.batch,
            "reference_ratio": many.ratio(reference),
            "round_seconds": many.seconds,
            "latency_round_seconds": one.seconds,
        }


def _copy(value: object) -> object:
    # The chain may later write into the tensors that it has given to the link.
    return value.clone() if isinstance(value, Tensor) else value
