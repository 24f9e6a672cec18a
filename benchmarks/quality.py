"""A quality cell: train the paradigm on its budget, then score what it draws and how it classifies."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from benchmarks.budget import StagePlan, curve_points, plan_stages
from benchmarks.fit import Fit
from benchmarks.measure.flops import count_flops
from benchmarks.measure.nfe import count_evaluations
from benchmarks.metrics import Scorer, nearest, to_uint8
from benchmarks.metrics.accuracy import accuracy
from paradigms.base import Paradigm, derive_seed

if TYPE_CHECKING:
    from benchmarks.cell import Job

N_GRID = 16
FLOPS_ROWS = 8


def measure_quality(job: Job, progress: Callable) -> dict:
    """Train and score; returns the record's `training`, `quality`, `samples_file` and `evaluation_seconds`."""
    paradigm = job.build()
    plans = plan_stages(paradigm, job.x, job.label, job.cell.budget_flops)
    judge = Judge(job, paradigm)
    fit = Fit(
        paradigm,
        job.x,
        job.label,
        [plan.updates for plan in plans],
        checkpoint=job.work_dir / "checkpoint.pt",
        points=curve_points(plans, job.cell.curve_points),
        evaluate=lambda stage, update, seconds: _spent(plans, stage, update, seconds) | judge.glance(),
        progress=lambda stage, update: progress("training", *_position(plans, stage, update)),
    )
    reports = fit()
    progress("scoring", 1.0)
    training = _training(paradigm, plans, reports)
    last = {key: training[key] for key in ("flops", "images", "updates", "seconds")} | {"stage": plans[-1].name}
    curve = [*fit.curve, last | judge.glance()]
    quality = judge.verdict() | {"curve": curve}
    _save_weights(paradigm, job.results_dir / "weights" / f"{job.cell.stem}.safetensors")
    return {
        "training": training,
        "quality": quality,
        "samples_file": judge.save_grids(),
        "evaluation_seconds": judge.seconds,
    }


class Judge:
    """Draws from a paradigm and scores it, always from the same noise for a seed; keeps the time that it took."""

    def __init__(self, job: Job, paradigm: Paradigm):
        self.job, self.paradigm, self.seconds = job, paradigm, 0.0
        self.n_samples = job.cell.n_samples or len(job.dataset.train.images)
        self.samplers = job.samplers(paradigm)
        self.scorer = Scorer(job.dataset, job.extractor, self.n_samples) if self.samplers else None
        self.grids: dict[str, np.ndarray] = {}

    def glance(self) -> dict:
        """The cheap look along training: FID of the first sampler at the curve's NFEs, and accuracy."""
        began = time.perf_counter()
        looks = []
        for nfe in self._allowed(self.job.cell.curve_nfe, self.samplers[:1]):
            images, _ = self.draw(*nfe)
            looks.append({"sampler": nfe[0], "nfe": nfe[1]} | self.scorer.fid(images))
        seen = {"accuracy": self._accuracy(), "samples": looks}
        self.seconds += time.perf_counter() - began
        return seen

    def verdict(self) -> dict:
        """The full score at every sampler and NFE, and accuracy on the test split."""
        began = time.perf_counter()
        samples = [self._score(*pair) for pair in self._allowed(self.job.cell.nfe, self.samplers)]
        verdict = {"accuracy": self._accuracy(), "n_test": len(self.job.dataset.test.labels), "samples": samples}
        self.seconds += time.perf_counter() - began
        return verdict

    @torch.no_grad()
    def draw(self, sampler: str, nfe: int) -> tuple[Tensor, float]:
        """n_samples images, uint8 (n, C, H, W), and the evaluations a sample that a hook counted."""
        generator = torch.Generator(self.job.device).manual_seed(derive_seed(self.job.cell.seed, "samples"))
        images = []
        with count_evaluations(self.paradigm.link()) as counter:
            for start in range(0, self.n_samples, self.job.cell.sample_batch):
                n = min(self.job.cell.sample_batch, self.n_samples - start)
                images.append(to_uint8(self.paradigm.sample(n, nfe, generator, sampler)))
        return torch.cat(images), counter.rows / self.n_samples

    def save_grids(self) -> str | None:
        """Write the first samples of every entry, nearest training images and real ones; the path in the results."""
        if not self.grids:
            return None
        path = self.job.results_dir / "samples" / f"{self.job.cell.stem}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, real=self.job.dataset.test.images[:N_GRID], **self.grids)
        return str(path.relative_to(self.job.results_dir))

    def _allowed(self, nfes, samplers) -> list[tuple[str, int]]:
        return [(sampler, nfe) for sampler in samplers for nfe in nfes if self.paradigm.allows(nfe, sampler)]

    def _score(self, sampler: str, nfe: int) -> dict:
        began = time.perf_counter()
        images, counted = self.draw(sampler, nfe)
        seconds = time.perf_counter() - began
        train = self.job.dataset.train.images
        grid = images[:N_GRID].cpu()
        self.grids[f"{sampler}_{nfe}"] = grid.numpy()
        self.grids[f"{sampler}_{nfe}_nearest"] = train[nearest(grid, torch.from_numpy(train)).numpy()]
        entry = {"sampler": sampler, "nfe_asked": nfe, "nfe": counted, "seconds": seconds}
        return entry | {"flops_per_sample": flops_per_sample(self.paradigm, nfe, sampler)} | self.scorer.score(images)

    def _accuracy(self) -> float | None:
        if not self.paradigm.can("logits"):
            return None
        test = self.job.dataset.test
        return accuracy(self.paradigm, torch.from_numpy(test.images), torch.from_numpy(test.labels))


@torch.no_grad()
def flops_per_sample(paradigm: Paradigm, nfe: int, sampler: str) -> float:
    """Counted FLOPs of drawing one sample, from a small batch."""
    generator = torch.Generator(paradigm.device).manual_seed(0)
    return count_flops(lambda: paradigm.sample(FLOPS_ROWS, nfe, generator, sampler)) / FLOPS_ROWS


def _spent(plans: list[StagePlan], stage: int, update: int, seconds: float) -> dict:
    """What training has cost when `update` updates of `stage` are done."""
    done = [(plan, plan.updates) for plan in plans[:stage]] + [(plans[stage], update)]
    return {
        "flops": sum(plan.flops_per_update * n for plan, n in done),
        "images": sum(plan.batch_size * n for plan, n in done),
        "updates": sum(n for _, n in done),
        "seconds": seconds,
        "stage": plans[stage].name,
    }


def _position(plans: list[StagePlan], stage: int, update: int) -> tuple[float]:
    return (_spent(plans, stage, update, 0.0)["flops"] / sum(plan.flops for plan in plans),)


def _training(paradigm: Paradigm, plans: list[StagePlan], reports: list[dict]) -> dict:
    total = _spent(plans, len(plans) - 1, plans[-1].updates, sum(report["seconds"] for report in reports))
    total.pop("stage")
    stages = [
        report
        | {"share": plan.share, "flops_per_update": plan.flops_per_update, "flops": plan.flops}
        | {"images": plan.updates * plan.batch_size}
        for plan, report in zip(plans, reports, strict=True)
    ]
    return total | {"n_parameters": sum(p.numel() for p in paradigm.parameters()), "stages": stages}


def _save_weights(paradigm: Paradigm, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in paradigm.state_dict().items()}, path)
