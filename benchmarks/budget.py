"""From a budget of training FLOPs to updates: every stage is charged for what one of its updates executes."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.flops import count_flops
from paradigms.base import Batch, Paradigm


@dataclass(frozen=True)
class StagePlan:
    """What a stage is given: its share of the budget and the number of updates that buys."""

    name: str
    share: float
    updates: int
    batch_size: int
    flops_per_update: int

    @property
    def flops(self) -> int:
        """Executed FLOPs of the whole stage."""
        return self.updates * self.flops_per_update


def plan_stages(paradigm: Paradigm, x: Tensor, label: Tensor, budget_flops: float) -> list[StagePlan]:
    """Split `budget_flops` over the stages by share; each gets the nearest number of updates, at least one.

    One update of each stage is run on a copy and its matrix products and convolutions are counted, forward and
    backward, frozen layers included (elementwise work is not counted, as in papers). Where an update has none the
    counter is blind and it is charged 6 FLOPs a moving parameter and row (forward 2, backward 4).
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
    """Updates of each stage at which to evaluate: cumulative FLOPs at 1/2^k of the total, the densest in time early.

    Returns one ascending list a stage; the end of training is not among them, since it is measured anyway.
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
