"""The cost of training: one update on a batch that is on the device, and throughput with loader and Trainer."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

import torch

from benchmarks.budget import StagePlan
from benchmarks.cost.clock import Timing, host_and_device, now, time_calls
from benchmarks.cost.energy import joules_per_call
from benchmarks.cost.memory import peak_memory
from benchmarks.fit import GROUP, Fit
from benchmarks.job import Job
from paradigms.base import Batch, Paradigm, Stage

WARMUP_SECONDS = 0.2
MIN_REPEATS = 5
WARMUP_UPDATES = 2  # of the Trainer: its first updates set it up


def time_stage(
    job: Job, paradigm: Paradigm, stage: Stage, plan: StagePlan, counter: Callable[[], float] | None
) -> tuple[dict, dict]:
    """Returns the record's entry of a stage, without its end-to-end throughput, and the peak memory of an update.

    Timed is the whole update that trains (`Solver.update_once`), without data loading and Trainer.

    job: the timing cell.
    paradigm: the job's, untrained; the timed updates change its weights.
    stage: one of its stages.
    plan: of the stage.
    counter: of energy, from `energy_counter`; None for no counter.
    """
    paradigm.enter(stage, plan.updates)
    with torch.no_grad():
        stage.begin()
    optimizer = paradigm.configure_optimizers()
    batch = Batch(job.x[: plan.batch_size], job.label[: plan.batch_size])

    def update() -> None:
        paradigm.update_once(batch, optimizer)

    timing = time_calls(update, job.device, WARMUP_SECONDS, MIN_REPEATS, job.cell.timing_seconds)
    host, on_device = host_and_device(update, job.device, timing)
    joules = joules_per_call(update, job.device, counter)
    paradigm.captured = None  # a new capture allocates again what the graph holds, so that its memory is seen
    peak = peak_memory(update, job.device)
    paradigm.leave()
    timed = _entry(stage.name, plan, timing) | {
        "host_seconds_median": host,
        "device_seconds_median": on_device,
        "energy_joules_per_image": joules and joules / plan.batch_size,
    }
    return timed, peak


def _entry(name: str, plan: StagePlan, timing: Timing) -> dict:
    return {
        "name": name,
        "batch_size": plan.batch_size,
        "updates": plan.updates,
        "step_seconds_median": timing.median_seconds,
        "step_seconds_p10": timing.p10_seconds,
        "step_seconds_p90": timing.p90_seconds,
        "warmup_seconds": timing.warmup_seconds,
        "images_per_second": plan.batch_size / timing.median_seconds,
        "flops_per_update": plan.flops_per_update,
    }


class Enough(Exception):
    """Ends a training that is run only to be timed."""


def end_to_end_images_per_second(job: Job, plans: list[StagePlan], index: int) -> float:
    """Returns the training images per second of a stage, trained as a quality cell trains it, without warm-up.

    The stage is planned at its real length, so that its schedule and the frequency of its records are real, and is
    stopped after the requested seconds.

    job: the timing cell.
    plans: of all stages.
    index: of the stage.
    """
    marks: dict[int, float] = {}

    def progress(stage: int, update: int) -> None:
        if not marks and update >= WARMUP_UPDATES:
            marks[update] = now(job.device)
        elif marks:
            # Waiting for the device at every step of the Trainer would change what is timed.
            if time.perf_counter() - min(marks.values()) >= job.cell.timing_seconds:
                marks[update] = now(job.device)
                raise Enough
            marks[update] = time.perf_counter()

    updates = [0] * len(plans)
    updates[index] = max(plans[index].updates, 3 * GROUP)
    with suppress(Enough):
        Fit(job.build(), *job.split, updates, progress=progress)()
    first, last = min(marks), max(marks)
    return (last - first) * plans[index].batch_size / (marks[last] - marks[first])
