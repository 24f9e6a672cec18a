"""One launch of the speed stage: times updates and samples of every variant, each in units of a fixed reference.

The reference, a matrix product and a forward pass of a small network, is timed right before each quantity, so that a
slow moment of a shared machine slows both alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import nn

from benchmarks import data
from benchmarks.budget import plan_stages
from benchmarks.cost.clock import time_repeats
from benchmarks.cost.rounds import reference_product
from benchmarks.data.pixels import to_float
from benchmarks.gate.primaries import primary_tests
from benchmarks.job import Job
from benchmarks.plan import grid
from benchmarks.plan.cell import Cell
from benchmarks.plan.preset import Preset
from paradigms.base import Batch, Paradigm

DEVICE = torch.device("cpu")
REPEATS, SECONDS = 3, 0.02  # of one timing, at least
SAMPLES = 64
WIDTH, ROWS = 256, 128  # of the reference's network and batch


def jobs(preset: Preset, data_dir: Path | None) -> dict[str, Job]:
    """Variant -> its job on the CPU, without scoring networks.

    preset: with the variants to time.
    data_dir: folder of the data sets; None for the default.
    """
    found = {}
    datasets = {name: data.load(name, data_dir) for name in preset.datasets}
    machine = grid.Machine("cpu", {name: dataset.hash for name, dataset in datasets.items()}, {})
    for cell in grid.cells(preset.model_copy(update={"seeds": 1, "timing_launches": 0}), machine):
        if cell.kind == "quality" and cell.variant not in found:
            found[cell.variant] = _job(cell, datasets[cell.dataset])
    return found


def _job(cell: Cell, dataset: data.Dataset) -> Job:
    images = to_float(torch.from_numpy(dataset.train.images))
    return Job(cell, Path(), dataset, (), DEVICE, images, torch.from_numpy(dataset.train.labels))


def plan(preset: Preset, data_dir: Path | None) -> dict[str, list[int]]:
    """Variant -> [index of its stage with the most FLOPs, updates, images per update].

    preset, data_dir: as in `jobs`.
    """
    found = {}
    for name, job in jobs(preset, data_dir).items():
        plans = plan_stages(job.build(), job.x, job.label, job.cell.budget_flops)
        longest = max(range(len(plans)), key=lambda index: plans[index].flops)
        found[name] = [longest, plans[longest].updates, plans[longest].batch_size]
    return found


class Lap:
    """What one process times.

    preset, data_dir: as in `jobs`.
    planned: as `plan` returns it.
    """

    def __init__(self, preset: Preset, data_dir: Path | None, planned: Mapping[str, list[int]]):
        torch.set_num_threads(preset.threads)
        self.calls: dict[str, Callable] = {}
        for name, job in jobs(preset, data_dir).items():
            self.calls |= _update(name, job, planned[name]) | _sample(name, job, preset)
        self.product, self.forward = reference_product(DEVICE), _forward()
        for call in (*self.calls.values(), *self.calls.values(), self.product, self.forward):
            call()

    def time(self, name: str) -> float:
        """Seconds of a quantity, such as "meanflow: update of stage 'mean flow'", over those of the reference.

        Both are those of the fastest of a few calls: whatever else runs on the machine only ever makes one slower.
        """
        reference = self.product().p10_seconds + time_repeats(self.forward, DEVICE, REPEATS, 0.0).p10_seconds
        return time_repeats(self.calls[name], DEVICE, REPEATS, SECONDS).p10_seconds / reference


def _update(name: str, job: Job, planned: list[int]) -> dict[str, Callable]:
    index, updates, batch_size = planned
    paradigm = job.build()
    stage = paradigm.stages()[index]
    paradigm.enter(stage, updates)
    with torch.no_grad():
        stage.begin()
    optimizer = paradigm.configure_optimizers()
    batch = Batch(job.x[:batch_size], job.label[:batch_size])
    return {f"{name}: update of stage {stage.name!r}": lambda: paradigm.update_once(batch, optimizer)}


def _sample(name: str, job: Job, preset: Preset) -> dict[str, Callable]:
    paradigm = job.build()
    if not paradigm.can("sample"):
        return {}
    sampler, nfe = _pair(name, job, preset, paradigm)
    generator = torch.Generator().manual_seed(job.cell.seed)

    @torch.no_grad()
    def draw() -> None:
        paradigm.sample(SAMPLES, nfe, generator, sampler)

    return {f"{name}: {SAMPLES} samples at {nfe} NFE, {sampler}": draw}


def _pair(name: str, job: Job, preset: Preset, paradigm: Paradigm) -> tuple[str, int]:
    """Sampler and NFE of the variant's first primary FID ratio, else its first sampler at its smallest NFE."""
    declared = [test for test in primary_tests(preset) if test.variant == name and test.nfe]
    sampler = next((test.sampler for test in declared if test.sampler), None)
    sampler = sampler or (job.cell.samplers or paradigm.samplers)[0]
    if declared:
        return sampler, declared[0].nfe
    return sampler, min(nfe for nfe in job.cell.nfes(sampler) if paradigm.allows(nfe, sampler))


def _forward() -> Callable:
    torch.manual_seed(0)
    layers = [nn.Linear(WIDTH, WIDTH), nn.SiLU(), nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH)]
    network, x = nn.Sequential(*layers), torch.ones(ROWS, WIDTH)

    @torch.no_grad()
    def forward() -> None:
        network(x)

    return forward
