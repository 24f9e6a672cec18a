"""The chain as generator: its samples are the sampler's, and the loss reaches the steps that the options say."""

import copy

import pytest
import torch

from paradigms.base import Batch
from paradigms.parts.flow import samplers
from tests.paradigms.solving import slopes
from tests.paradigms.test_gan import SHAPE, data
from tests.paradigms.test_gan import build as build_game


def build(**options):
    model = build_game("adversarial_chain", **options)
    torch.nn.init.normal_(model.net.leave.weight, std=0.3)
    return model


def test_the_samples_of_the_loss_are_those_of_the_euler_sampler():
    model = build(k=4)
    torch.manual_seed(1)
    g = model.draw(Batch(*(part[:3] for part in data())))
    torch.manual_seed(1)
    assert torch.equal(g, samplers.euler(model.net, torch.randn(3, *SHAPE), 4))


@pytest.mark.parametrize("reach", [1, 2, 4])
def test_the_loss_reaches_the_last_steps_alone(reach):
    """Each evaluation has a gain of its own, which shows whether it receives gradient."""
    model, gains = build(k=4, reach=reach), [torch.ones((), requires_grad=True) for _ in range(4)]
    left, net = list(gains), model.net.forward
    model.net.forward = lambda *given: left.pop(0) * net(*given)
    model.loss(data(8)).backward()
    assert [gain.grad is not None and bool(gain.grad != 0) for gain in gains] == [False] * (4 - reach) + [True] * reach


class Held(torch.nn.Module):
    """A network whose first `n_held` evaluations are those of a copy, which keeps its weights."""

    def __init__(self, net, n_held):
        super().__init__()
        self.copies = [*[copy.deepcopy(net)] * n_held, *[net] * (4 - n_held)]
        self.n = 0

    def forward(self, *given):
        self.n += 1
        return self.copies[(self.n - 1) % 4](*given)


@pytest.mark.parametrize("reach", [1, 2, 4])
def test_the_gradient_is_a_finite_difference_with_the_weights_of_the_unreached_steps_held(reach):
    model = build(k=4, reach=reach, backbone="mlp").double()
    net, batch = model.net, Batch(data(8).x.double(), data(8).label)

    def loss():
        torch.manual_seed(1)
        return model.loss(batch)

    held = Held(net, 4 - reach)

    def varied():
        model.net = held
        value = loss()
        model.net = net
        return value

    found, expected = slopes(loss, net.parameters(), varied)
    assert abs(expected) > 1e-4 and found == pytest.approx(expected, rel=1e-4)


def test_in_the_judges_turn_the_chain_keeps_no_graph():
    model = build(k=2)
    (stage,) = model.stages()
    model.enter(stage, 1)
    with stage.turn_of(stage.rivals[0]):
        assert not model.draw(data(8)).requires_grad
        model.judge_loss(data(8)).backward()
        assert all(p.grad is None and not p.requires_grad for p in model.net.parameters())
    assert model.draw(data(8)).requires_grad


@pytest.mark.parametrize("option", [{"k": 3}, {"k": 2, "reach": 3}, {"gamma": -1.0}, {"prediction": "edm"}])
def test_a_wrong_option_is_one_line_with_the_allowed_values(option):
    with pytest.raises(ValueError, match="allowed"):
        build_game("adversarial_chain", **option)
