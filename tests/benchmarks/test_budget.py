"""The arithmetic of the budget: what is charged, and how many updates it buys."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from benchmarks import job as jobs
from benchmarks.budget import StagePlan, curve_points, plan_stages
from benchmarks.errors import BadInput
from paradigms.base import Batch, Stage
from paradigms.parts.optimizers.muon import muon
from tests.benchmarks.test_fit import TwoLines

FREE_UPDATES = 300
OF_ONE = 4 * 80  # rows x (forward 2*4*5 + weight gradient 2*4*5)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return Batch(torch.randn(10, 1, 2, 2, generator=generator), torch.arange(10) % 3)


def test_a_budget_becomes_updates_by_share_and_counted_cost(batch):
    plans = plan_stages(TwoLines(), *batch, budget_flops=80_000)
    # first: 4 rows x (forward 2*4*5 + weight gradient 2*4*5); second: the same first forward, then 5 -> 3 both ways.
    assert [plan.flops_per_update for plan in plans] == [4 * 80, 4 * (40 + 60)]
    assert [plan.updates for plan in plans] == [round(20_000 / 320), round(60_000 / 400)]
    assert sum(plan.flops for plan in plans) == pytest.approx(80_000, rel=0.01)


def test_planning_leaves_the_paradigm_as_it_was(batch):
    paradigm = TwoLines()
    before = {name: value.clone() for name, value in paradigm.state_dict().items()}
    plan_stages(paradigm, *batch, budget_flops=1000)
    assert all(torch.equal(value, before[name]) for name, value in paradigm.state_dict().items())
    assert all(parameter.grad is None for parameter in paradigm.parameters())


def test_curve_points_halve_the_flops_and_fall_into_their_stages():
    plans = [StagePlan("a", 0.5, 50, 1, 10), StagePlan("b", 0.5, 5, 1, 100)]
    assert curve_points(plans, 4) == [[12, 25], [0]]  # 1/8, 1/4 and 1/2 of 1000
    assert curve_points(plans, 1) == [[], []]


def test_an_update_without_matrix_products_is_charged_by_its_parameters(batch):
    paradigm = TwoLines()
    paradigm.first_loss = lambda batch: paradigm.first.weight.square().sum()
    assert plan_stages(paradigm, *batch, budget_flops=1000)[0].flops_per_update == 6 * 4 * 25


class Free(TwoLines):
    """Trains its first map for many updates where nothing used to be charged: in `begin`, or in `observe`."""

    where = "begin"

    def stages(self):
        first, second = super().stages()
        return [replace(first, begin=self.train_freely) if self.where == "begin" else first, second]

    def observe(self, x, label):
        self.rows = x[:4]
        if self.where == "observe":
            self.train_freely()

    def train_freely(self):
        optimizer = torch.optim.SGD(self.first.parameters(), lr=0.1)
        for _ in range(FREE_UPDATES):
            with torch.enable_grad():
                optimizer.zero_grad()
                self.first.requires_grad_()
                self.first(self.rows.flatten(1)).square().mean().backward()
            optimizer.step()


def test_updates_that_begin_makes_are_charged_to_the_stage(batch):
    paradigm, budget = Free(), 4 * 2 * FREE_UPDATES * OF_ONE  # the first stage's quarter pays for twice as many
    paradigm.observe(*batch)
    first, second = plan_stages(paradigm, *batch, budget_flops=budget)
    assert (first.flops_once, first.flops_per_update) == (FREE_UPDATES * OF_ONE, OF_ONE)
    assert first.updates == FREE_UPDATES and first.flops == 2 * FREE_UPDATES * OF_ONE
    assert second == plan_stages(TwoLines(), *batch, budget_flops=budget)[1]


def test_updates_that_observe_makes_are_counted_where_it_is_called_and_charged_to_the_first_stage(batch, monkeypatch):
    monkeypatch.setattr(jobs, "load", lambda _: lambda shape, n_classes: Free(shape, n_classes))
    monkeypatch.setattr(Free, "where", "observe")
    cell = SimpleNamespace(seed=0, options={}, changes={}, paradigm="free", compute=[])
    dataset = SimpleNamespace(shape=(1, 2, 2), n_classes=3)
    job = jobs.Job(cell, None, dataset, (), torch.device("cpu"), *batch)
    paradigm = job.build()
    assert job.observed_flops == FREE_UPDATES * OF_ONE
    plans = plan_stages(paradigm, *batch, 4 * 2 * FREE_UPDATES * OF_ONE, job.observed_flops)
    assert [plan.flops_once for plan in plans] == [FREE_UPDATES * OF_ONE, 0]
    assert plans[0].updates == FREE_UPDATES


@pytest.mark.parametrize(("where", "named"), [("begin", "`begin`"), ("observe", "`observe` and `begin`")])
def test_work_before_the_first_update_that_exceeds_the_share_is_refused_in_one_line(batch, where, named):
    paradigm = Free()
    paradigm.observe(*batch)
    paradigm.where = where
    observed = FREE_UPDATES * OF_ONE if where == "observe" else 0
    with pytest.raises(BadInput, match=rf"^stage 'first': .*{named} execute 9.6e\+04 FLOPs.* 9.6e\+04;[^\n]*$"):
        plan_stages(paradigm, *batch, 4 * FREE_UPDATES * OF_ONE, observed)


def test_the_matrix_products_of_the_optimiser_are_charged(batch):
    paradigm, plans = TwoLines(), []
    paradigm.first = nn.Conv2d(1, 8, 3, padding=1)  # as a matrix (8, 9): the smallest that Muon orthogonalises
    paradigm.first_loss = lambda batch: paradigm.first(batch.x).square().mean()
    for optimizer in (muon(), torch.optim.SGD):
        stage = Stage("only", list(paradigm.first.parameters()), paradigm.first_loss, 1.0, 4, optimizer)
        paradigm.stages = lambda stage=stage: [stage]
        plans += plan_stages(paradigm, *batch, 1e6)
    gram, of_rows = 2 * 8 * 9 * 8, 2 * 8 * 8 * 8
    # gram and last product; per Newton-Schulz step its polynomial, the product and the next gram (2 products)
    by_hand = 2 * gram + 5 * 4 * of_rows
    assert plans[0].flops_per_update - plans[1].flops_per_update == by_hand


def test_a_steady_stage_is_counted_without_a_graph_and_the_paradigm_takes_no_step(batch):
    paradigm, seen = TwoLines(), []
    loss, stages = paradigm.first_loss, paradigm.stages()
    steady = [replace(stages[0], steady=True, loss=lambda b: seen.append(paradigm.captured) or loss(b)), stages[1]]
    paradigm.stages = lambda: steady
    assert plan_stages(paradigm, *batch, 80_000)[0].flops_per_update == OF_ONE
    assert seen == [None] and paradigm.update == 0 and paradigm.stage is None


def test_a_gradient_that_is_not_finite_is_counted_all_the_same(batch):
    paradigm = TwoLines()
    paradigm.broken_at = 0
    assert plan_stages(paradigm, *batch, 80_000)[0].flops_per_update == OF_ONE


def test_curve_points_count_what_a_stage_executes_before_its_first_update():
    plans = [StagePlan("a", 0.5, 40, 1, 10, 100), StagePlan("b", 0.5, 2, 1, 100, 300)]
    assert curve_points(plans, 5) == [[0, 2, 15], [0]]  # 1/16, 1/8, 1/4 and 1/2 of 1000; at 1/2 b begins
