"""From a budget of training FLOPs to a number of updates per stage, by the FLOPs that training executes.

Charged are whole updates (loss, gradient, clipping and the optimiser's step) and what is executed once: `observe` and
the `begin` of every stage. All of it is counted while it runs, so that what trains is what is charged.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from benchmarks.errors import BadInput
from benchmarks.flops import count_flops
from paradigms.base import Batch, Paradigm, Stage

CHARGED = "whole updates, begin and observe"  # kept in records: earlier ones were charged for loss and gradient alone


@dataclass(frozen=True)
class StagePlan:
    """The part of a training budget that one stage receives.

    name: of the stage.
    share: of the budget, in (0, 1].
    updates: number of updates, at least 1.
    batch_size: images per update.
    flops_per_update: FLOPs that one update executes.
    flops_once: FLOPs of the stage's `begin`; of the first stage those of `observe`, too.
    """

    name: str
    share: float
    updates: int
    batch_size: int
    flops_per_update: int
    flops_once: int = 0

    @property
    def flops(self) -> int:
        """FLOPs that the whole stage executes."""
        return self.flops_after(self.updates)

    def flops_after(self, updates: int) -> int:
        """FLOPs that the stage has executed before its update number `updates`."""
        return self.flops_once + updates * self.flops_per_update


def plan_stages(
    paradigm: Paradigm, x: Tensor, label: Tensor, budget_flops: float, observed_flops: int = 0
) -> list[StagePlan]:
    """Returns one plan per stage: the budget split by the stages' shares, as the nearest number of updates, at least 1.

    The `begin` and one whole update of each stage run on a copy, and their matrix products and convolutions are
    counted, frozen layers included (elementwise work is not counted, as in papers). An update without any is charged
    6 FLOPs per trained parameter and image: 2 forward, 4 backward.

    paradigm: untrained or trained; it is not changed.
    x, label: the training split, (N, C, H, W) and (N,).
    budget_flops: of all stages together.
    observed_flops: FLOPs that `observe` has executed; they are charged to the first stage.

    Raises BadInput where what is executed once leaves nothing of a stage's share.
    """
    twin = copy.deepcopy(paradigm)
    # A CUDA graph would hide its operations from the counter.
    stages = [replace(stage, steady=False) for stage in twin.stages()]
    total = sum(stage.share for stage in stages)
    plans = []
    for stage in stages:
        rows = slice(0, min(stage.batch_size, len(x)))
        begin, update = _executed(twin, stage, Batch(x[rows], label[rows]))
        share, once = stage.share / total, begin + (0 if plans else observed_flops)
        if once and once >= share * budget_flops:
            raise BadInput(
                f"stage {stage.name!r}: {'`begin`' if plans else '`observe` and `begin`'} execute {once:.3g} FLOPs, "
                f"and the stage's share of the training budget is {share * budget_flops:.3g}; enlarge the budget or "
                "the share, or do less there"
            )
        updates = max(1, round((share * budget_flops - once) / update))
        plans.append(StagePlan(stage.name, share, updates, rows.stop, update, once))
    return plans


def _executed(twin: Paradigm, stage: Stage, batch: Batch) -> tuple[int, int]:
    """Returns the FLOPs of the stage's `begin` and of one update; both change the twin."""
    torch.manual_seed(0)
    twin.enter(stage, 1)
    with torch.no_grad():
        begin = count_flops(stage.begin)
    twin.restart_averages()
    optimizer = twin.configure_optimizers()
    update = count_flops(lambda: twin.update_once(batch, optimizer))
    twin.leave()
    twin.zero_grad(set_to_none=True)
    return begin, update or 6 * len(batch.x) * sum(p.numel() for p in stage.trained)


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
                points[index].append(max(0, int((spent - plan.flops_once) // plan.flops_per_update)))
                break
            spent -= plan.flops
    return [sorted(set(stage)) for stage in points]
