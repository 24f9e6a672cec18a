"""Turns a budget of training FLOPs into a number of updates per stage, by counting the FLOPs of one update of each."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.flops import count_flops
from paradigms.base import Batch, Paradigm


@dataclass(frozen=True)
class StagePlan:
    """Budget of one stage.

    name: of the stage.
    share: of the cell's budget, in 0..1.
    updates: number of parameter updates.
    batch_size: images per update.
    flops_per_update: FLOPs that one update executes.
    """

    name: str
    share: float
    updates: int
    batch_size: int
    flops_per_update: int

    @property
    def flops(self) -> int:
        """FLOPs that the whole stage executes."""
        return self.updates * self.flops_per_update


def plan_stages(paradigm: Paradigm, x: Tensor, label: Tensor, budget_flops: float) -> list[StagePlan]:
    """Split a budget over the stages by their shares; each gets the nearest number of updates, at least one.

    paradigm: untrained; it is copied, not changed.
    x: training images (N, C, H, W), float in [-1, 1].
    label: their labels (N,).
    budget_flops: training FLOPs of all stages together.

    One update of each stage is run on the copy. FLOPs of its matrix products and convolutions are counted, forward and
    backward, including frozen layers; elementwise operations are not counted, as is usual in papers. An update without
    matrix products is charged 6 FLOPs per trained parameter and image (forward 2, backward 4).
    """
    twin = copy.deepcopy(paradigm)
    stages = twin.stages()
    total = sum(stage.share for stage in stages)
    plans = []
    for stage in stages:
        torch.manual_seed(0)
        twin.enter(stage, 1)
        with torch.no_grad():
            stage.begin()
        rows = slice(0, min(stage.batch_size, len(x)))
        batch = Batch(x[rows], label[rows])
        counted = count_flops(lambda stage=stage, batch=batch: stage.loss(batch).backward())
        flops = counted or 6 * len(batch.x) * sum(p.numel() for p in stage.parameters)
        twin.leave()
        twin.zero_grad(set_to_none=True)
        share = stage.share / total
        updates = max(1, round(share * budget_flops / flops))
        plans.append(StagePlan(stage.name, share, updates, len(batch.x), flops))
    return plans


def curve_points(plans: list[StagePlan], n_points: int) -> list[list[int]]:
    """Updates of each stage at which the learning curve has a point: one ascending list per stage.

    plans: of all stages, in order.
    n_points: points of the whole curve; the last is the end of training, which is scored anyway and not returned.

    The points are at 1/2, 1/4, 1/8, ... of the total FLOPs, cumulated over the stages: dense early in training.
    """
    total = sum(plan.flops for plan in plans)
    points: list[list[int]] = [[] for _ in plans]
    for fraction in sorted(2.0**-power for power in range(1, n_points)):
        spent = fraction * total
        for index, plan in enumerate(plans):
            if spent < plan.flops:
                points[index].append(int(spent // plan.flops_per_update))
                break
            spent -= plan.flops
    return [sorted(set(stage)) for stage in points]
