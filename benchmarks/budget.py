"""From a budget of training FLOPs to a number of updates per stage, by the FLOPs that one update executes."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.flops import count_flops
from paradigms.base import Batch, Paradigm


@dataclass(frozen=True)
class StagePlan:
    """The part of a training budget that one stage receives.

    name: of the stage.
    share: of the budget, in (0, 1].
    updates: number of updates, at least 1.
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
    """Returns one plan per stage: the budget split by the stages' shares, as the nearest number of updates, at least 1.

    The loss and gradient of one update of each stage run on a copy, and their matrix products and convolutions are
    counted, frozen layers included (elementwise work is not counted, as in papers). A stage without any is charged
    6 FLOPs per trained parameter and image: 2 forward, 4 backward.

    paradigm: untrained or trained; it is not changed.
    x, label: the training split, (N, C, H, W) and (N,).
    budget_flops: of all stages together.
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
    """Returns the updates at which to evaluate: one ascending list per stage.

    They lie where 1/2^k of all FLOPs are spent, k = 1 to n_points - 1. The end of training is not among them, since it
    is always evaluated.
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
