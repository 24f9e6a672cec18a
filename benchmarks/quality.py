"""A quality cell: train the paradigm on its budget, then score what it draws and how it classifies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors.torch import save_file

from benchmarks.budget import StagePlan, curve_points, plan_stages
from benchmarks.fit import Fit
from benchmarks.judge import Judge
from paradigms.base import Paradigm

if TYPE_CHECKING:
    from benchmarks.cell import Job


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
    quality = judge.verdict()
    quality["curve"] = [*fit.curve, last | judge.glance(quality["samples"])]
    _save_weights(paradigm, job.results_dir / "weights" / f"{job.cell.stem}.safetensors")
    return {
        "training": training,
        "quality": quality,
        "samples_file": judge.save_grids(),
        "evaluation_seconds": judge.seconds,
    }


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
