"""The cost of sampling: throughput in batches, latency of one image, and the share of the network in the time."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from benchmarks.cost import sanity_checks
from benchmarks.cost.clock import time_calls, time_repeats
from benchmarks.cost.energy import joules_per_call
from benchmarks.cost.memory import peak_memory
from benchmarks.flops import flops_per_sample
from benchmarks.job import Job
from paradigms.base import Paradigm

WARMUP_SECONDS = 0.2
MIN_REPEATS = 3
MIN_LATENCIES = 10
LONG = 4.0  # after so many times the requested seconds two repeats are enough


class SampleClock:
    """Times the samplers of one untrained paradigm.

    job: the timing cell.
    paradigm: the job's, untrained.
    counter: of energy, from `energy_counter`; None for no counter.
    """

    def __init__(self, job: Job, paradigm: Paradigm, counter: Callable[[], float] | None):
        self.job, self.paradigm, self.counter = job, paradigm, counter
        self.seconds, self.batch = job.cell.timing_seconds, job.cell.sample_batch
        self.generator = torch.Generator(job.device).manual_seed(job.cell.seed)

    @torch.no_grad()
    def rows(self, sampler: str, progress: Callable) -> list[dict]:
        """Returns the record's entries of a sampler, one per NFE of the cell that it allows."""
        allowed = [nfe for nfe in self.job.cell.nfes(sampler) if self.paradigm.allows(nfe, sampler)]
        forward = self.forward_seconds(sampler, allowed[0]) if allowed else None
        rows = []
        for nfe in allowed:
            progress("timing samples", len(rows) / len(allowed))
            rows.append(self._row(sampler, nfe, forward, first=not rows))
        return rows

    @torch.no_grad()
    def forward_seconds(self, sampler: str, nfe: int) -> float | None:
        """Returns the seconds of one evaluation of a batch by the link alone, at the inputs of the chain's first call.

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
        timing = time_calls(lambda: link(*args, **kwargs), self.job.device, 0.0, MIN_REPEATS, self.seconds)
        return timing.median_seconds * self.batch / rows

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

    def _row(self, sampler: str, nfe: int, forward: float | None, first: bool) -> dict:
        device, seconds, batch = self.job.device, self.seconds, self.batch
        draw, draw_one = self.draw(batch, nfe, sampler), self.draw(1, nfe, sampler)
        # What is slow only once (allocation, autotuning) is slow at a sampler's first NFE: warm-up is measured there.
        # At later ones the call whose memory is measured serves as the warm-up.
        warmup = time_calls(draw, device, WARMUP_SECONDS, 1, 0.0).warmup_seconds if first else None
        peak = peak_memory(draw, device)
        many = time_repeats(draw, device, MIN_REPEATS, seconds, LONG * seconds)
        draw_one()
        one = time_repeats(draw_one, device, MIN_LATENCIES, seconds / 2)
        joules = joules_per_call(draw, device, self.counter)
        return {
            "sampler": sampler,
            "nfe": nfe,
            "batch": batch,
            "sample_images_per_second": batch / many.median_seconds,
            "sample_ms_per_image": 1000 * many.median_seconds / batch,
            "latency_ms_batch1": 1000 * one.median_seconds,
            "latency_p50_ms": 1000 * one.median_seconds,
            "latency_p90_ms": 1000 * one.p90_seconds,
            "sampler_efficiency": forward and nfe * forward / many.median_seconds,
            "flops_per_sample": flops_per_sample(self.paradigm, nfe, sampler),
            "energy_joules_per_image": joules and joules / batch,
            "warmup_seconds": warmup,
            "peak_sample_bytes": peak["allocated_bytes"],
            "peak_sample_reserved_bytes": peak["reserved_bytes"],
        }


def _copy(value: object) -> object:
    # The chain may later write into the tensors that it has given to the link.
    return value.clone() if isinstance(value, Tensor) else value
