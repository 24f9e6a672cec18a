"""Mismatch along the chain: closed forms on a Gaussian, planted faults, and what is not defined."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

import paradigms
from benchmarks.score.mismatch import mismatch
from benchmarks.score.mismatch.mismatch import ChainStates, measure_mismatch
from benchmarks.score.mismatch.two_sample import SIGNIFICANT, energy_distance, energy_noise, pooled
from paradigms.base import Batch, Paradigm
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.flow.samplers import euler
from tests.paradigms import contract

MEAN, SD, STEPS = 0.8, 0.3, 5


class ExactField(nn.Module):
    """The velocity field of data N(MEAN, SD^2), pixel by pixel; `bias` is added to it at step `at` of STEPS."""

    def __init__(self, bias=0.0, at=None):
        super().__init__()
        self.bias, self.at = bias, at

    def forward(self, x, t, r):
        t = t.view(-1, 1, 1, 1)
        variance = (1 - t) ** 2 * SD**2 + t**2
        velocity = -MEAN + (t - (1 - t) * SD**2) / variance * (x - (1 - t) * MEAN)
        here = self.at is not None and abs(float(t[0]) - (1 - self.at / STEPS)) < 1e-6
        return velocity + (self.bias if here else 0.0)


class Gaussian(FlowChain, Paradigm):
    title, era, reference, task = "Gaussian", "test", "none", "generation"
    samplers = ("euler", "ipndm")

    def __init__(self, shape=(1, 1, 1), n_classes=1, *, bias=0.0, at=None):
        super().__init__(shape, n_classes)
        self.net = ExactField(bias, at)

    def stages(self):
        return []

    def link(self):
        return self.net

    def start(self, n, generator):
        return torch.randn(n, *self.shape, generator=generator)

    def sample(self, n, nfe, generator, sampler="euler"):
        return euler(self.net, self.start(n, generator), nfe)


def gaussian_data(n=2400, shape=(1, 1, 1)):
    """Pixels of one image have half of their variance in common."""
    generator = torch.Generator().manual_seed(3)
    own_part, common = torch.randn(n, *shape, generator=generator), torch.randn(n, 1, 1, 1, generator=generator)
    mixed = own_part if math.prod(shape) == 1 else (own_part + common) / math.sqrt(2)
    return Batch(MEAN + SD * mixed, torch.zeros(n, dtype=torch.int64))


@pytest.fixture(scope="module")
def curves():
    """Entries of a chain by bias and the step that it is at, each measured once, on 1200 rows."""
    known = {}

    def measure(bias=0.0, at=None):
        if (bias, at) not in known:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(mismatch, "N_ROWS", 1200)
                known[bias, at] = measure_mismatch(Gaussian(bias=bias, at=at), *gaussian_data(), STEPS)
        return known[bias, at]

    return measure


def path(step):
    """Mean and sd of q_step."""
    t = 1 - step / STEPS
    return (1 - t) * MEAN, math.sqrt((1 - t) ** 2 * SD**2 + t**2)


def stepped(mean, sd, step):
    """Mean and sd after the Euler step `step` from N(mean, sd^2); the mean and sd of the velocity there."""
    t = 1 - step / STEPS
    slope = (t - (1 - t) * SD**2) / ((1 - t) ** 2 * SD**2 + t**2)
    velocity = -MEAN + slope * (mean - (1 - t) * MEAN), slope * sd
    return (mean - velocity[0] / STEPS, sd - velocity[1] / STEPS), velocity


def own(step):
    """Mean and sd of p_step."""
    state = (0.0, 1.0)
    for k in range(step):
        state, _ = stepped(*state, k)
    return state


def mean_absolute(mean, sd):
    """E|N(mean, sd^2)|."""
    spread = sd * math.sqrt(2 / math.pi) * math.exp(-0.5 * (mean / sd) ** 2) if sd else 0.0
    return spread + mean * math.erf(mean / (sd * math.sqrt(2))) if sd else abs(mean)


def energy(a, b):
    """Energy distance of two normal distributions on the line."""
    between = mean_absolute(a[0] - b[0], math.hypot(a[1], b[1]))
    return 2 * between - mean_absolute(0, math.sqrt(2) * a[1]) - mean_absolute(0, math.sqrt(2) * b[1])


def test_cumulative_and_modular_error_are_their_closed_forms(curves):
    steps = curves()["steps"]
    for k in range(STEPS + 1):
        assert steps[k]["cumulative_error"] == pytest.approx(energy(own(k), path(k)), abs=4e-4, rel=0.15), k
    for k in range(1, STEPS + 1):
        one_link, _ = stepped(*path(k - 1), k - 1)
        assert steps[k]["modular_error"] == pytest.approx(energy(one_link, path(k)), abs=2e-4, rel=0.15), k
    assert max(step["floor"] for step in steps) < 0.01


def test_amplification_is_the_ratio_of_the_closed_forms(curves):
    cumulative = sum(energy(own(k), path(k)) for k in range(1, STEPS + 1))
    modular = sum(energy(stepped(*path(k - 1), k - 1)[0], path(k)) for k in range(1, STEPS + 1))
    assert curves()["amplification"] == pytest.approx(cumulative / modular, rel=0.1)


def test_norm_ratio_variance_error_and_local_loss_are_their_closed_forms(curves):
    for k, step in enumerate(curves()["steps"]):
        t = 1 - k / STEPS
        assert step["variance_error"] == pytest.approx((own(k)[1] - path(k)[1]) ** 2, abs=4e-4), k
        if k < STEPS:
            ratio = mean_absolute(*map(abs, stepped(*own(k), k)[1])) / mean_absolute(*map(abs, stepped(*path(k), k)[1]))
            assert step["norm_ratio"] == pytest.approx(ratio, rel=0.03), k
            left = 1 + SD**2 - (t - (1 - t) * SD**2) ** 2 / path(k)[1] ** 2
            assert step["off_policy_residual"] == pytest.approx(left, rel=0.1), k


def test_the_on_policy_residual_is_the_curvature_of_the_trajectory(curves):
    speeds = torch.tensor([[stepped(*own(k), k)[1][i] for i in (0, 1)] for k in range(STEPS)])
    bend = (speeds - speeds.mean(0)).square().sum(1)  # all chains are one line in their start
    found = [step["on_policy_residual"] for step in curves()["steps"][:STEPS]]
    assert found == pytest.approx(bend.tolist(), abs=0.02)


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_bias_at_one_step_appears_in_its_modular_error_and_in_all_later_cumulative_errors(curves, at):
    clean, biased = curves()["steps"], curves(bias=2.0, at=at)["steps"]
    gap = 2.0 / STEPS
    for k in range(1, STEPS + 1):
        shift = biased[k]["modular_error"] - clean[k]["modular_error"]
        assert (shift > 0.02) == (k == at + 1), k
    for k in range(STEPS + 1):
        assert (biased[k]["cumulative_error"] - clean[k]["cumulative_error"] > 5e-3) == (k > at), k
    one_link, _ = stepped(*path(at), at)
    expected = energy((one_link[0] - gap, one_link[1]), path(at + 1))
    assert biased[at + 1]["modular_error"] == pytest.approx(expected, rel=0.05)


class FromShownData(Gaussian):
    """A chain that starts at data it has observed."""

    def observe(self, x, label):
        self.register_buffer("shown", x.clone(), persistent=False)

    def start(self, n, generator):
        return self.shown[torch.randint(len(self.shown), (n,), generator=generator)]


class FromKeptData(Gaussian):
    """A chain that starts at data it has kept otherwise than by `observe`."""

    kept = gaussian_data(500, (1, 4, 4)).x

    def start(self, n, generator):
        return self.kept[torch.randint(len(self.kept), (n,), generator=generator)]


class FromNoisyData(FromKeptData):
    """A chain that starts at data with some noise, as in image editing."""

    def start(self, n, generator):
        return 0.5 * super().start(n, generator) + 0.5 * torch.randn(n, *self.shape, generator=generator)


class FromKeptDataWithoutStates(FromKeptData):
    """The same without `on_data` and `chain_step`, so that only images can be compared."""

    on_data, chain_step = Paradigm.on_data, Paradigm.chain_step


@pytest.mark.parametrize("fault", [FromShownData, FromKeptData, FromKeptDataWithoutStates, FromNoisyData])
def test_a_chain_that_starts_from_data_is_detected(fault):
    data = gaussian_data(512, (1, 4, 4))
    sound, faulty = Gaussian(data.x.shape[1:]), fault(data.x.shape[1:])
    for paradigm, expected in ((sound, True), (faulty, False)):
        paradigm.observe(*data)
        assert measure_mismatch(paradigm, *data, STEPS)["start"]["from_noise"] is expected


def test_a_chance_difference_between_halves_of_the_data_is_no_noise_schedule():
    """As of a DBN, whose first and last states in training are both data: other images, which differ by chance."""
    draw = torch.Generator().manual_seed(0)
    one, other, noise = (torch.randn(256, 16, generator=draw) + shift for shift in (0.0, 0.15, 4.0))
    chance = pooled(one, other)
    assert energy_distance(chance) > SIGNIFICANT * energy_noise(chance)  # it would count, by significance alone
    without = SimpleNamespace(others=[one], on_data=[other], own=[noise])
    assert ChainStates.starts_as_trained(without)
    from_data = SimpleNamespace(others=[noise], on_data=[other], own=[one])
    assert not ChainStates.starts_as_trained(from_data)


def test_an_undefined_mismatch_has_a_reason():
    recogniser = paradigms.load("end_to_end")(contract.SHAPE, contract.N_CLASSES)
    assert measure_mismatch(recogniser, *gaussian_data(64, contract.SHAPE), 4)["reason"] == "draws no samples"

    class Bare(Gaussian):
        on_data, chain_step = Paradigm.on_data, Paradigm.chain_step

    found = measure_mismatch(Bare(contract.SHAPE), *gaussian_data(64, contract.SHAPE), 4)
    assert "on_data and chain_step" in found["reason"] and found["start"]["from_noise"] is True
    found = measure_mismatch(Gaussian(contract.SHAPE), *gaussian_data(64, contract.SHAPE), 4, "ipndm")
    assert "'ipndm'" in found["reason"] and found["amplification"] is None
