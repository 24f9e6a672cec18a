"""A timing cell: the cost of updates and of samples, measured while the benchmark runs nothing else.

Time does not depend on the weights, so the paradigm is not trained: the updates that the budget pays for are planned,
and a few of each stage are timed.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from benchmarks.budget import StagePlan, plan_stages
from benchmarks.cost import sanity_checks
from benchmarks.cost.energy import energy_counter, others_on
from benchmarks.cost.memory import peak_memory
from benchmarks.cost.peak import measure_peaks
from benchmarks.cost.timing_samples import SampleClock
from benchmarks.cost.timing_stages import end_to_end_images_per_second, time_stage
from benchmarks.inference import outputs
from benchmarks.job import Job
from paradigms.base import Paradigm


def measure_timing(job: Job, progress: Callable) -> dict:
    """Times an update of every stage and every sampler at every NFE; returns the record's `timing`.

    job: the timing cell.
    progress: (phase, fraction) -> None.

    Raises ValueError where the counted FLOPs of an update or a sample exceed what the device can execute in its time.
    """
    began, cpu_began = time.perf_counter(), time.process_time()
    peaks = measure_peaks(job.device)
    init = peak_memory(job.build, job.device)
    paradigm = job.build()
    plans = plan_stages(paradigm, job.x, job.label, job.cell.budget_flops, job.observed_flops)
    counter = energy_counter(job.device)
    stages, memory = _stages(job, paradigm, plans, counter, progress)
    clock, samplers = SampleClock(job, paradigm, counter), job.samplers(paradigm)
    samples = clock.rows(samplers, progress)
    hidden = [clock.hidden_work(sampler) for sampler in samplers[:1]]
    peaks = _larger(peaks, measure_peaks(job.device))
    relate_to(max(peaks.values()), stages, samples)
    shared = _shared(job, time.process_time() - cpu_began, time.perf_counter() - began)
    images = sum(plan.updates * plan.batch_size for plan in plans)
    seconds = sum(plan.updates * stage["step_seconds_median"] for plan, stage in zip(plans, stages, strict=True))
    timing = {
        "exclusive": True,
        "train_images_per_second": images / seconds,
        **peaks,
        "peak_init_bytes": init["allocated_bytes"],
        "peak_train_bytes": max(peak["allocated_bytes"] for peak in memory),
        "peak_train_reserved_bytes": max((peak["reserved_bytes"] or 0 for peak in memory), default=0) or None,
        "peak_evaluate_bytes": peak_memory(lambda: _evaluate(job, paradigm), job.device)["allocated_bytes"],
        "flags": [flag for flag in (*hidden, *_odd(samples), *shared) if flag],
        "stages": stages,
        "samples": samples,
    }
    return {"timing": timing}


def _stages(
    job: Job, paradigm: Paradigm, plans: list[StagePlan], counter: Callable | None, progress: Callable
) -> tuple[list[dict], list[dict]]:
    stages, peaks = [], []
    for index, (stage, plan) in enumerate(zip(paradigm.stages(), plans, strict=True)):
        progress("timing updates", index / len(plans))
        timed, peak = time_stage(job, paradigm, stage, plan, counter)
        timed["end_to_end_images_per_second"] = end_to_end_images_per_second(job, plans, index)
        stages.append(timed)
        peaks.append(peak)
    return stages, peaks


def relate_to(peak: float, stages: list[dict], samples: list[dict]) -> None:
    """Adds its utilisation of the peak, `mfu`, to every entry; raises ValueError where it is impossible.

    peak: FLOPs per second of the device.
    stages, samples: entries of the record's `timing`, changed in place.
    """
    steps = [(f"stage {s['name']!r}", s, s["flops_per_update"], s["step_seconds_median"]) for s in stages]
    draws = [
        (f"sampler {s['sampler']!r} at {s['nfe']}", s, s["flops_per_sample"], s["sample_ms_per_image"] / 1000)
        for s in samples
    ]
    for what, entry, flops, seconds in steps + draws:
        sanity_checks.refuse_beyond_peak(what, flops, seconds, peak)
        entry["mfu"] = sanity_checks.utilisation(flops, seconds, peak)


def _larger(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    """Returns the larger of two measurements of each peak: load on a shared computer lowers one, nothing raises it."""
    return {name: max(peak, after[name]) for name, peak in before.items()}


def _odd(samples: list[dict]) -> list[str | None]:
    """Returns flags of entries that contradict themselves."""
    flags = []
    for s in samples:
        name = s["sampler"], s["nfe"]
        throughput, latency = s["sample_images_per_second"], s["latency_ms_batch1"] / 1000
        flags += [
            sanity_checks.odd_batching(*name, s["batch"], throughput, latency),
            sanity_checks.unsteady(*name, s["batch"], s["round_seconds"]),
            sanity_checks.unsteady(*name, 1, s["latency_round_seconds"]),
            sanity_checks.beyond_whole(*name, s["sampler_efficiency"]),
        ]
    return flags


def _shared(job: Job, cpu_seconds: float, wall_seconds: float) -> list[str | None]:
    """Returns flags where other processes used the device during the measurement."""
    if job.device.type == "cpu":
        return [sanity_checks.shared_cpu(cpu_seconds, wall_seconds)]
    others = others_on(job.device)
    return [f"shared GPU: {others} other processes compute on it" if others else None]


@torch.no_grad()
def _evaluate(job: Job, paradigm: Paradigm) -> None:
    """Executes what scoring does with a batch of images: features by every extractor, and the paradigm's logits."""
    images = torch.from_numpy(job.dataset.test.images[: job.cell.sample_batch])
    if paradigm.can("sample"):
        for extractor in job.extractors:
            extractor(images.to(job.device))
    if paradigm.can("logits"):
        outputs(paradigm, "logits", images)
