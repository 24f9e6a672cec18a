"""Initialisation of fully connected layers: standard deviations, and gradients at the bottom of a deep network."""

import math

import pytest
import torch

from paradigms.end_to_end import EndToEnd
from paradigms.parts.networks.initialisation import STARTS, initialise


def layer(start: str, activation: str) -> torch.nn.Linear:
    torch.manual_seed(0)
    made = torch.nn.Linear(300, 200)
    initialise([made], start, activation)
    return made


@pytest.mark.parametrize(
    ("start", "activation", "spread"),
    [
        ("standard", "sigmoid", 1 / math.sqrt(3 * 300)),  # U(-a, a) has the sd a / sqrt 3
        ("glorot", "tanh", math.sqrt(2 / 500)),
        ("glorot", "sigmoid", 4 * math.sqrt(2 / 500)),
        ("he", "relu", math.sqrt(2 / 300)),
    ],
)
def test_the_standard_deviation_of_the_weights_is_the_published_one(start, activation, spread):
    made = layer(start, activation)
    assert float(made.weight.std()) == pytest.approx(spread, rel=0.02)  # 60,000 samples: sd 0.3 %
    assert start == "standard" or not made.bias.any()
    assert (made.weight.abs().max() < 2 * spread) == (start != "he")  # uniform ends at sqrt 3 sd, a normal does not


def gradient_ratio(**options) -> float:
    torch.manual_seed(0)
    model = EndToEnd((1, 8, 8), 10, network="mlp", widths=[64] * 8, dropout=0.0, shift=0.0, **options)
    loss = torch.nn.functional.cross_entropy(model.logits(2 * torch.rand(200, 1, 8, 8) - 1), torch.arange(200) % 10)
    loss.backward()
    norms = [float(made.weight.grad.norm()) for made in model.head.layers]
    return norms[0] / norms[-1]


def test_the_gradient_vanishes_in_a_deep_sigmoid_network_with_the_standard_initialisation_alone():
    assert gradient_ratio(activation="sigmoid", start="standard") < 1e-3
    assert 0.01 < gradient_ratio(activation="sigmoid", start="glorot") < 10
    assert 0.1 < gradient_ratio(activation="relu", start="he") < 10


def test_the_mlp_reads_pixels_in_0_to_1_as_the_pre_trained_networks_do():
    x = 2 * torch.rand(50, 1, 8, 8) - 1
    model = EndToEnd((1, 8, 8), 10, network="mlp", widths=[12])
    torch.testing.assert_close(model.units(x), (x.flatten(1) + 1) / 2)


def test_batch_normalisation_precedes_every_nonlinearity():
    model = EndToEnd((1, 8, 8), 10, network="mlp", widths=[12, 9], normalised=True)
    assert [type(norm).__name__ for norm in model.head.norms] == ["BatchNorm1d", "BatchNorm1d"]
    model.train()
    v, seen = torch.rand(300, 64), []
    model.head.activation.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0]))
    model.head(v)
    assert all(abs(float(field.mean())) < 1e-5 and float(field.std()) == pytest.approx(1, abs=0.02) for field in seen)


@pytest.mark.parametrize("start", STARTS)
def test_an_initialisation_depends_on_the_seed_alone(start):
    assert torch.equal(layer(start, "tanh").weight, layer(start, "tanh").weight)
