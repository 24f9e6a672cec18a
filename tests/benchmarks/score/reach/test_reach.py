"""Gradient reach: values known from theory, chains with known faults, and paradigms from outside the project."""

import math
import re
from functools import partial

import pytest
import torch
from torch import nn

import paradigms
from benchmarks.fit import Fit
from benchmarks.score.reach.reach import SCALARS, measure_reach
from paradigms.base import Paradigm, Stage
from tests import ROOT
from tests.paradigms import contract

README = (ROOT / "README.md").read_text(encoding="utf-8")
NEW_FILE = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
NFES = [1, 2, 4, 8]
SMALL = {"backbone": "mlp", "width": 32}


def trained(cls, **options):
    torch.manual_seed(0)
    paradigm = cls(contract.SHAPE, contract.N_CLASSES, **options)
    paradigm.observe(*contract.images())
    Fit(paradigm, *contract.images(), [4] * len(paradigm.stages()))()
    return paradigm.eval()


def reach(paradigm, nfe=NFES, **settings):
    return measure_reach(paradigm, *contract.images(), nfe, **settings)


def entry(found, graph, nfe=None):
    return next(e for e in found["graphs"] if e["graph"] == graph and e["nfe"] == nfe)


def numbers(row):
    return row["coverage"], row["on_policy_reach"], row["credit_length"]


@pytest.fixture(scope="module")
def of():
    """Reach of a paradigm of the project, measured once: a function of name and options."""
    known = {}

    def measure(name, **options):
        key = (name, *options.items())
        if key not in known:
            cls = paradigms.load(name)
            known[key] = reach(trained(cls, **(SMALL if cls.task == "generation" else {}), **options))
        return known[key]

    return measure


@pytest.mark.parametrize("nfe", NFES)
def test_diffusion_trains_one_of_n_evaluations_and_none_on_policy(of, nfe):
    assert numbers(entry(of("diffusion"), "generation", nfe)) == pytest.approx((1 / nfe, 0, 1))


@pytest.mark.parametrize("k", [1, 2, 4])
def test_the_unrolled_chain_trains_all_of_its_evaluations_on_policy(of, k):
    found = of("unrolled", k=k)
    assert found["nfe"] == found["natural_nfe"] == k
    assert numbers(found) == pytest.approx((1, 1, k)) and found["flops_weighted_reach"] == pytest.approx(1)


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_the_reach_of_a_truncated_unrolled_chain_is_the_share_of_its_last_steps(of, kept):
    assert numbers(of("unrolled", k=4, reach=kept)) == pytest.approx((kept / 4, kept / 4, kept))


@pytest.mark.parametrize("nfe", [1, 2, 8])
def test_a_chain_of_another_length_than_the_trained_one_has_no_on_policy_reach(of, nfe):
    assert entry(of("unrolled", k=4), "generation", nfe)["on_policy_reach"] == 0


@pytest.mark.parametrize("derivative", ["secant", "jvp", "stream", "difference"])
def test_mean_flow_trains_its_one_evaluation_but_not_on_its_inference_input(of, derivative):
    found = of("meanflow", derivative=derivative)
    assert found["nfe"] == found["natural_nfe"] == 1 and numbers(found) == pytest.approx((1, 0, 1))
    assert numbers(entry(found, "generation", 4)) == pytest.approx((1 / 4, 0, 1))


@pytest.mark.parametrize("name", ["dbn", "sdae"])
def test_greedy_stages_train_one_layer_each_on_a_local_loss_and_fine_tuning_trains_all(of, name):
    found = of(name)
    stages = {stage["stage"]: stage for stage in entry(found, "recognition")["stages"]}
    tuned = stages.pop("fine-tuning")
    assert found["graph"] == "recognition" and numbers(tuned) == pytest.approx((1, 1, 3))
    greedy = [stage for name, stage in stages.items() if name != "chain"]
    assert [numbers(stage) for stage in greedy] == [pytest.approx((1 / 3, 0, 1))] * 2
    assert [stage["lit"].index(1) for stage in greedy] == [0, 1]


def test_a_stage_that_trains_no_part_of_a_graph_has_weight_zero_in_it(of):
    stages = {stage["stage"]: stage for stage in entry(of("sdae"), "recognition")["stages"]}
    assert numbers(stages["chain"]) == (0, 0, 0) and stages["chain"]["weight"] == 0
    assert sum(stage["weight"] for stage in stages.values()) == pytest.approx(1)


@pytest.mark.parametrize("nfe", NFES)
def test_layer_wise_samplers_train_one_of_n_sweeps_off_policy(of, nfe):
    top = next(s for s in entry(of("dbn"), "generation", nfe)["stages"] if s["stage"] == "top rbm")
    assert numbers(top) == pytest.approx((1 / (nfe + 1), 0, 1))  # n sweeps of the top RBM, then the layer below it
    chain = next(s for s in entry(of("sdae"), "generation", nfe)["stages"] if s["stage"] == "chain")
    assert numbers(chain) == pytest.approx((1 / nfe, 0, 1))


@pytest.mark.parametrize(("network", "n_layers"), [("convolutional", 4), ("mlp", 3)])
def test_end_to_end_recognition_trains_every_layer_through_all_layers(of, network, n_layers):
    assert numbers(of("end_to_end", network=network)) == pytest.approx((1, 1, n_layers))


class Halve(nn.Module):
    """A link that takes no times."""

    def __init__(self, size):
        super().__init__()
        self.map = nn.Linear(size, size)

    def forward(self, x):
        return 0.5 * torch.tanh(self.map(x))


class Chain(Paradigm):
    """A chain of four steps that is not of the project, with options for faults in training."""

    title, era, reference, task = "Chain", "test", "none", "generation"
    K = 4

    def __init__(self, shape, n_classes, *, loss="end", detached=None, cut=None, scales=(1, 1, 1, 1), blind=False):
        super().__init__(shape, n_classes)
        self.size = math.prod(shape)
        self.net, self.detached, self.cut, self.scales, self.blind = Halve(self.size), detached, cut, scales, blind
        self.kinds = loss if isinstance(loss, dict) else {loss: 1.0}  # kind of a stage's loss -> share of the budget

    def stages(self):
        weights = list(self.net.parameters())
        return [Stage(kind, weights, partial(self.loss, kind), share=share) for kind, share in self.kinds.items()]

    def run(self, x):
        states = [x]
        for step in range(self.K):
            out = self.net(torch.zeros_like(x) if self.blind else x)
            x = x - self.scales[step] * (out.detach() if step == self.detached else out)
            x = x.detach() if step == self.cut else x
            states.append(x)
        return states

    def loss(self, kind, batch):
        start = batch.x.flatten(1) if kind == "from data" else torch.randn(len(batch.x), self.size)
        if kind == "local":  # on the chain's own states, each step with a target of its own
            return sum((self.net(x.detach()) - x.detach()).square().mean() for x in self.run(start)[:-1])
        return (self.run(start)[-1] - batch.x.flatten(1)).square().mean()

    def link(self):
        return self.net

    def allows(self, nfe, sampler):
        return nfe == self.K

    def sample(self, n, nfe, generator, sampler="default"):
        return self.run(torch.randn(n, self.size, generator=generator))[-1].view(n, *self.shape).clamp(-1, 1)


def test_the_reach_of_a_chain_whose_link_takes_no_times_is_measured():
    assert numbers(reach(trained(Chain))) == pytest.approx((1, 1, 4))


@pytest.mark.parametrize("step", range(4))
def test_detaching_one_step_lowers_reach_by_exactly_one_in_k(step):
    found = reach(trained(Chain, detached=step))
    assert numbers(found) == (3 / 4, 3 / 4, 3)
    assert entry(found, "generation", 4)["stages"][0]["lit"] == [float(at != step) for at in range(4)]


@pytest.mark.parametrize("step", range(4))
def test_detaching_one_step_of_the_unrolled_flow_lowers_reach_by_exactly_one_in_k(step):
    class Detached(paradigms.load("unrolled")):
        def chain(self, eps, steps=None, label=None):
            x = eps
            for k in range(self.k):
                t = torch.full_like(x[:, 0, 0, 0], 1 - k / self.k)
                velocity = self.net(x, t, t)
                x = x - (velocity.detach() if k == step else velocity) / self.k
            return x

    found = reach(trained(Detached, k=4, **SMALL), [4])
    assert numbers(found) == (3 / 4, 3 / 4, 3)


def test_detaching_the_state_removes_all_earlier_steps_from_the_reach():
    assert numbers(reach(trained(Chain, cut=1))) == (2 / 4, 2 / 4, 2)


def test_a_chain_trained_from_data_has_full_coverage_and_no_on_policy_reach():
    assert numbers(reach(trained(Chain, loss="from data"))) == (1, 0, 4)


def test_of_local_losses_on_the_chains_own_states_only_the_last_counts_as_on_policy():
    found = reach(trained(Chain, loss="local"))
    assert numbers(found) == (1, 1 / 4, 1)
    assert entry(found, "generation", 4)["stages"][0]["own"] == [0, 0, 0, 1]


def test_the_reach_of_several_stages_is_the_mean_over_their_training_flops():
    found = reach(trained(Chain, loss={"local": 0.6, "end": 0.4}))
    assert numbers(found) == pytest.approx((1, 0.6 / 4 + 0.4, 0.6 * 1 + 0.4 * 4))


def test_effective_reach_is_the_entropy_of_the_shares_of_the_gradient():
    # A link that ignores its input passes nothing on, so step k weighs in the end by its scale alone.
    found = reach(trained(Chain, blind=True, scales=(8, 4, 2, 2)))
    shares = [0.5, 0.25, 0.125, 0.125]
    assert entry(found, "generation", 4)["stages"][0]["gradient_shares"] == pytest.approx(shares, rel=1e-4)
    entropy = -sum(p * math.log(p) for p in shares)
    assert found["effective_reach"] == pytest.approx(math.exp(entropy) / 4, rel=1e-4)


def test_the_reach_of_the_paradigm_in_the_readme_is_measured(tmp_path):
    (tmp_path / "pixel_gaussian.py").write_text(NEW_FILE)
    found = reach(trained(paradigms.load(str(tmp_path / "pixel_gaussian.py"))))
    assert found["nfe"] == 1 and numbers(found) == (1, 0, 1)


def test_a_paradigm_that_neither_samples_nor_classifies_has_no_reach_and_a_reason():
    class Nothing(Paradigm):
        title, era, reference, task = "Nothing", "test", "none", "generation"

        def stages(self):
            return []

    found = reach(Nothing(contract.SHAPE, contract.N_CLASSES))
    assert all(found[key] is None for key in SCALARS) and "neither" in found["reason"]


@pytest.mark.parametrize("name", ["dbn", "unrolled"])
def test_measuring_reach_changes_no_weights_buffers_or_random_state(name):
    paradigm = trained(paradigms.load(name))
    before = {key: value.clone() for key, value in paradigm.state_dict().items()}
    state, first = torch.random.get_rng_state(), reach(paradigm)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(value, before[key]) for key, value in paradigm.state_dict().items())
    assert not paradigm.training and not any(p.requires_grad for p in paradigm.parameters())
    assert not any(module._forward_hooks for module in paradigm.modules())
    assert reach(paradigm) == first
