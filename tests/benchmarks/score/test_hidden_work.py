"""Hidden evaluations: work per sample that the counted evaluations do not account for."""

import copy

import pytest

import paradigms
from benchmarks.score.hidden_work import hidden_work
from tests.benchmarks.score import disguises
from tests.paradigms import contract


@pytest.mark.parametrize("nfe", [1, 2])
def test_calls_around_the_hook_are_in_both_ratios(nfe):
    found = hidden_work(disguises.build(disguises.load("hidden_calls")), nfe, "default")
    assert found["link_flops"] == 2 * 2 * 64 * 32 and found["flops_ratio"] == found["weight_uses"] == 8


def test_a_chain_inside_the_link_is_in_the_uses_of_its_weights_alone():
    found = hidden_work(disguises.build(disguises.load("hidden_calls"), inside=True), 1, "default")
    assert (found["flops_ratio"], found["weight_uses"]) == (1, 8)


def test_calls_of_a_copy_of_the_link_are_in_the_ratio_of_flops():
    class ByACopy(disguises.load("hidden_calls")):
        def sample(self, n, nfe, generator, sampler="default"):
            self.net.forward = copy.deepcopy(self.net)
            return super().sample(n, nfe, generator, sampler)

    assert hidden_work(disguises.build(ByACopy), 1, "default")["flops_ratio"] > 1.5


@pytest.mark.parametrize("name", [name for name in paradigms.names() if paradigms.load(name).can("sample")])
def test_samplers_of_the_project_hide_no_work(name):
    paradigm = contract.build(paradigms.load(name))
    for sampler in paradigm.samplers:
        for nfe in filter(lambda nfe: paradigm.allows(nfe, sampler), (1, 2, 5)):
            found = hidden_work(paradigm, nfe, sampler)
            assert found["flops_ratio"] == pytest.approx(1) and found["weight_uses"] == pytest.approx(1)
            assert found["link_flops"] > 0


def test_a_chain_that_calls_no_link_has_no_ratios():
    class Without(disguises.load("hidden_calls")):
        def sample(self, n, nfe, generator, sampler="default"):
            return self.net.forward(contract.images().x[:n].flatten(1), None, None).view(n, *self.shape)

    assert set(hidden_work(disguises.build(Without), 1, "default").values()) == {None}
