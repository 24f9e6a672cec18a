"""What one update of a stage costs: alone on a batch that lies ready, and end to end with loader and Trainer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import torch

from benchmarks.budget import StagePlan
from benchmarks.cost.clock import host_and_device, now, time_calls
from benchmarks.cost.energy import joules_per_call
from benchmarks.cost.memory import peak_memory
from benchmarks.job import Job
from benchmarks.train.fit import GROUP, Fit
from paradigms.base import Batch, Paradigm, Stage

WARMUP_SECONDS = 0.2
MIN_REPEATS = 5
WARMUP_UPDATES = 2  # of the Trainer: its first updates set it up


def time_stage(
    job: Job, paradigm: Paradigm, stage: Stage, plan: StagePlan, counter: Callable[[], float] | None
) -> tuple[dict, dict]:
    """The record's entry of a stage, without end to end, and the peak memory of an update.

    The whole update at a pre-staged batch: zero, forward, backward, clip, step. No data loading, no Trainer.
    """
    paradigm.enter(stage, plan.updates)
    with torch.no_grad():
        stage.begin()
    optimizer = stage.optimizer(list(stage.parameters))
    batch = Batch(job.x[: plan.batch_size], job.label[: plan.batch_size])

    def update() -> None:
        paradigm.loss_and_gradient(batch)
        if stage.clip_norm:
            torch.nn.utils.clip_grad_norm_(stage.parameters, stage.clip_norm)
        optimizer.step()

    timing = time_calls(update, job.device, WARMUP_SECONDS, MIN_REPEATS, job.cell.timing_seconds)
    host, on_device = host_and_device(update, job.device, timing)
    joules = joules_per_call(update, job.device, counter)
    paradigm.captured = None  # so that what a graph holds for good is asked for again, and seen
    peak = peak_memory(update, job.device)
    paradigm.leave()
    timed = {
        "name": stage.name,
        "batch_size": plan.batch_size,
        "updates": plan.updates,
        "step_seconds_median": timing.median_seconds,
        "step_seconds_p10": timing.p10_seconds,
        "step_seconds_p90": timing.p90_seconds,
        "host_seconds_median": host,
        "device_seconds_median": on_device,
        "warmup_seconds": timing.warmup_seconds,
        "images_per_second": plan.batch_size / timing.median_seconds,
        "flops_per_update": plan.flops_per_update,
        "energy_joules_per_image": joules and joules / plan.batch_size,
    }
    return timed, peak


class Enough(Exception):
    """Ends a training that was only to be timed."""


def end_to_end_images_per_second(job: Job, plans: list[StagePlan], index: int) -> float:
    """Training images a second of stage `index`, as a quality cell trains: real loader, real Trainer, warm-up apart.

    The stage is planned at its real length, so that schedules and the cadence of its records are real, and broken off.
    """
    marks: dict[int, float] = {}

    def progress(stage: int, update: int) -> None:
        if not marks and update >= WARMUP_UPDATES:
            marks[update] = now(job.device)
        elif marks:
            # Waiting for the device at every step of the Trainer would be part of what is timed.
            if time.perf_counter() - min(marks.values()) >= job.cell.timing_seconds:
                marks[update] = now(job.device)
                raise Enough
            marks[update] = time.perf_counter()

    updates = [0] * len(plans)
    updates[index] = max(plans[index].updates, 3 * GROUP)
    with suppress(Enough):
        Fit(job.build(), job.x, job.label, updates, progress=progress)()
    first, last = min(marks), max(marks)
    return (last - first) * plans[index].batch_size / (marks[last] - marks[first])
