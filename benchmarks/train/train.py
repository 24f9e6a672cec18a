"""Train a cell on its budget: the result is weights, also some kept along the way, and what they cost.

Nothing here depends on scoring networks or metrics, so that a change of either repeats no training.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.budget import CHARGED, StagePlan, curve_points, plan_stages
from benchmarks.fit import Fit
from benchmarks.job import CHECKPOINT, Job
from benchmarks.store.trained import END
from benchmarks.train.device_costs import devices
from benchmarks.train.layer_signals import signals
from benchmarks.train.warm_start import left, start_from
from benchmarks.weights import save
from paradigms.base import Batch, Paradigm

N_ROWS = 500  # training images that the layers' signals are measured on


def train(job: Job, progress: Callable) -> dict:
    """Train the cell's paradigm and write its weights; returns the `training` of the cell's record.

    progress: called with "training" and the finished share of the training FLOPs, in [0, 1].

    Raises BadInput where the cell cannot start from its ancestor, or where the ancestor's cost leaves nothing of the
    budget; NonFinite where a loss or weight is; RuntimeError where a stage ends early.
    """
    paradigm = job.build()
    before = start_from(paradigm, job.results_dir, job.cell.ancestor) if job.cell.ancestor else None
    plans = plan_stages(paradigm, job.x, job.label, left(job.cell.budget_flops, before), job.observed_flops)
    layers, points = Layers(job, paradigm, plans), curve_points(plans, job.cell.curve_points)

    def measure(stage: int, update: int, seconds: float) -> dict:
        found = _spent(plans, stage, update, seconds, before) | layers.at(stage, update)
        if update in points[stage]:
            found["weights"] = f"{stage}-{update}.safetensors"
            if job.ranks.first:
                save(paradigm, job.trained.folder / found["weights"])
        return found

    paradigm.ranks = job.ranks
    fit = Fit(
        paradigm,
        *job.split,
        [plan.updates for plan in plans],
        checkpoint=job.work_dir / CHECKPOINT,
        key=job.cell.train_key,
        points=[sorted({*at, *layers.moments[stage]}) for stage, at in enumerate(points)],
        evaluate=measure,
        progress=lambda stage, update: progress("training", *_position(plans, stage, update)),
    )
    reports = fit()
    training = _training(paradigm, plans, reports, before) | devices(job.ranks, plans, reports, job.device)
    seen = [{"moment": point["moment"], "layers": point["layers"]} for point in fit.curve if "layers" in point]
    training["signals"] = [*seen, layers.at_end()] if seen else None
    _leave(job, paradigm, training, fit.curve)
    return training


def _leave(job: Job, paradigm: Paradigm, training: dict, curve: list[dict]) -> None:
    """Write the weights and what they cost; ranks that write nothing wait until it is there."""
    costs = ("flops", "images", "updates", "seconds", "stage", "weights")
    kept = [{name: point[name] for name in costs} for point in curve if "weights" in point]
    if job.ranks.first:
        save(paradigm, job.trained.folder / END)
        job.trained.finish(job.cell.train_key, training, kept)
    job.ranks.agree(True)


class Layers:
    """Signals of the layers at the start of the last stage, after its first epoch and at its end.

    moments: per stage, the updates before which they are measured; empty for a paradigm that does not classify.
    """

    def __init__(self, job: Job, paradigm: Paradigm, plans: list[StagePlan]):
        self.paradigm, self.last = paradigm, len(plans) - 1
        self.batch = Batch(job.x[:N_ROWS], job.label[:N_ROWS])
        epoch = len(job.split[0]) // plans[-1].batch_size
        classifies = paradigm.can("logits")
        self.names = {0: "start", min(epoch, plans[-1].updates): "one epoch"} if classifies else {}
        self.moments = [[] for _ in plans[:-1]] + [sorted(self.names)]

    def at(self, stage: int, update: int) -> dict:
        """{"moment", "layers"} before an update of a stage; empty where nothing is measured then."""
        if update not in self.moments[stage]:
            return {}
        return {"moment": self.names[update], "layers": signals(self.paradigm, self.paradigm.stage, self.batch)}

    def at_end(self) -> dict:
        """{"moment", "layers"} of the trained paradigm, for the loss of its last stage."""
        stage = self.paradigm.stages()[self.last]
        self.paradigm.enter(stage, 1)
        found = {"moment": "end", "layers": signals(self.paradigm, stage, self.batch)}
        self.paradigm.leave()
        return found


def _spent(plans: list[StagePlan], stage: int, update: int, seconds: float, before: dict | None = None) -> dict:
    """Cost of training up to `update` updates of `stage`, the cost of the ancestor (`before`) included."""
    done = [(plan, plan.updates) for plan in plans[:stage]] + [(plans[stage], update)]
    own = {
        "flops": sum(plan.flops_after(n) for plan, n in done),
        "images": sum(plan.batch_size * n for plan, n in done),
        "updates": sum(n for _, n in done),
        "seconds": seconds,
    }
    return {key: cost + (before[key] if before else 0) for key, cost in own.items()} | {"stage": plans[stage].name}


def _position(plans: list[StagePlan], stage: int, update: int) -> tuple[float]:
    return (_spent(plans, stage, update, 0.0)["flops"] / sum(plan.flops for plan in plans),)


def _training(paradigm: Paradigm, plans: list[StagePlan], reports: list[dict], before: dict | None) -> dict:
    total = _spent(plans, len(plans) - 1, plans[-1].updates, sum(report["seconds"] for report in reports), before)
    total.pop("stage")
    total |= {"ancestor": before} if before else {}
    stages = [
        report
        | {"share": plan.share, "flops_per_update": plan.flops_per_update, "flops_once": plan.flops_once}
        | {"flops": plan.flops, "images": plan.updates * plan.batch_size}
        for plan, report in zip(plans, reports, strict=True)
    ]
    total |= {"charged": CHARGED, "n_parameters": sum(p.numel() for p in paradigm.parameters())}
    return total | {"stages": stages}
