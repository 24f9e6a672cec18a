"""A timing cell: what one update and one batch of samples cost, measured while nothing else of ours runs.

Weights do not matter for time, so nothing is trained; the updates that the budget buys are only planned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import torch

from benchmarks.budget import StagePlan, plan_stages
from benchmarks.judge import flops_per_sample
from benchmarks.measure.clock import time_calls
from benchmarks.measure.memory import peak_memory
from paradigms.base import Batch, Paradigm, Stage

if TYPE_CHECKING:
    from benchmarks.cell import Job

WARMUP_SECONDS = 0.2
MIN_REPEATS = 5


def measure_timing(job: Job, progress: Callable) -> dict:
    """Time every stage's update and every sampler at every NFE; returns the record's `timing`."""
    paradigm = job.build()
    plans = plan_stages(paradigm, job.x, job.label, job.cell.budget_flops)
    stages, peaks = [], []
    for stage, plan in zip(paradigm.stages(), plans, strict=True):
        progress("timing updates", len(stages) / len(plans))
        timed, peak = _time_stage(job, paradigm, stage, plan)
        stages.append(timed)
        peaks.append(peak)
    images = sum(plan.updates * plan.batch_size for plan in plans)
    seconds = sum(plan.updates * stage["step_seconds_median"] for plan, stage in zip(plans, stages, strict=True))
    samples = []
    for sampler in job.samplers(paradigm):
        for nfe in job.cell.nfe:
            if paradigm.allows(nfe, sampler):
                progress("timing samples", 0.5)
                samples.append(_time_samples(job, paradigm, sampler, nfe))
    timing = {
        "exclusive": True,
        "train_images_per_second": images / seconds,
        "peak_train_bytes": max(peak["allocated_bytes"] for peak in peaks),
        "peak_train_reserved_bytes": max((peak["reserved_bytes"] or 0 for peak in peaks), default=0) or None,
        "stages": stages,
        "samples": samples,
    }
    return {"timing": timing}


def _time_stage(job: Job, paradigm: Paradigm, stage: Stage, plan: StagePlan) -> tuple[dict, dict]:
    """The whole update at a pre-staged batch: zero, forward, backward, clip, step. No data loading, no Trainer."""
    paradigm.enter(stage, plan.updates)
    with torch.no_grad():
        stage.begin()
    optimizer = stage.optimizer(list(stage.parameters))
    batch = Batch(job.x[: plan.batch_size], job.label[: plan.batch_size])

    def update() -> None:
        optimizer.zero_grad(set_to_none=True)
        stage.loss(batch).backward()
        if stage.clip_norm:
            torch.nn.utils.clip_grad_norm_(stage.parameters, stage.clip_norm)
        optimizer.step()

    timing = time_calls(update, job.device, WARMUP_SECONDS, MIN_REPEATS, job.cell.timing_seconds)
    peak = peak_memory(update, job.device)
    paradigm.leave()
    timed = {
        "name": stage.name,
        "batch_size": plan.batch_size,
        "updates": plan.updates,
        "step_seconds_median": timing.median_seconds,
        "step_seconds_p10": timing.p10_seconds,
        "step_seconds_p90": timing.p90_seconds,
        "warmup_seconds": timing.warmup_seconds,
        "images_per_second": plan.batch_size / timing.median_seconds,
    }
    return timed, peak


@torch.no_grad()
def _time_samples(job: Job, paradigm: Paradigm, sampler: str, nfe: int) -> dict:
    generator = torch.Generator(job.device).manual_seed(job.cell.seed)
    batch = job.cell.sample_batch

    def draw(n: int) -> Callable[[], torch.Tensor]:
        return lambda: paradigm.sample(n, nfe, generator, sampler)

    many = time_calls(draw(batch), job.device, WARMUP_SECONDS, MIN_REPEATS, job.cell.timing_seconds)
    one = time_calls(draw(1), job.device, WARMUP_SECONDS, MIN_REPEATS, job.cell.timing_seconds)
    peak = peak_memory(draw(batch), job.device)
    return {
        "sampler": sampler,
        "nfe": nfe,
        "batch": batch,
        "sample_images_per_second": batch / many.median_seconds,
        "sample_ms_per_image": 1000 * many.median_seconds / batch,
        "latency_ms_batch1": 1000 * one.median_seconds,
        "flops_per_sample": flops_per_sample(paradigm, nfe, sampler),
        "peak_sample_bytes": peak["allocated_bytes"],
        "peak_sample_reserved_bytes": peak["reserved_bytes"],
    }
