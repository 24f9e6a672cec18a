"""The three derivatives along a direction, on every shared network and prediction."""

import pytest
import torch

from paradigms.parts.flow.prediction import predicting
from paradigms.parts.flow.tangent import DERIVATIVES, forward_mode, stream
from paradigms.parts.networks.residual_mlp import ResidualMLP
from paradigms.parts.networks.unet import UNet

NETWORKS = {
    "unet": lambda: UNet((1, 8, 8), width=8),
    "unet behind space-to-depth": lambda: UNet((1, 12, 12), width=8, patch=2),
    "conditioned on the class": lambda: UNet((1, 8, 8), width=8, n_classes=10),
    "mlp": lambda: ResidualMLP((1, 8, 8), width=32),
}
SMALL = 1e-5  # an independent central difference in float64: h^2 = 1e-10, rounding 1e-16 / h = 1e-11


def case(network, prediction="velocity", dtype=torch.float64):
    """A network without zero weights, the point of the derivative, and a direction along which every input changes."""
    torch.manual_seed(0)
    net = predicting(prediction, NETWORKS[network]()).to(dtype)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    shape = (12, 12) if "space" in network else (8, 8)
    x, v = torch.randn(2, 6, 1, *shape, dtype=dtype)
    t = 0.2 + 0.8 * torch.rand(6, dtype=dtype)
    label = [torch.arange(6)] if "class" in network else []
    along = (v, torch.ones_like(t), torch.full_like(t, 0.5))  # r changes too, so that no derivative is hidden
    return lambda *at: net(*at, *label), (x, t, t * torch.rand_like(t)), along


@pytest.mark.parametrize("name", DERIVATIVES)
@pytest.mark.parametrize("prediction", ["velocity", "image"])
@pytest.mark.parametrize("network", NETWORKS)
def test_it_is_the_derivative_of_the_network(network, prediction, name):
    net, at, along = case(network, prediction)
    ahead, behind = ([a + h * v for a, v in zip(at, along, strict=True)] for h in (SMALL, -SMALL))
    expected = (net(*ahead) - net(*behind)).detach() / (2 * SMALL)
    found = DERIVATIVES[name](net, at, along).detach()
    exact = 1e-3 if name == "difference" else 1e-7
    torch.testing.assert_close(found, expected, rtol=exact, atol=exact)
    assert expected.abs().max() > 0.05


@pytest.mark.parametrize("still", [0, 1, 2], ids=["x", "t", "r"])
@pytest.mark.parametrize("name", DERIVATIVES)
def test_every_input_contributes(name, still):
    net, at, along = case("unet")
    held = [torch.zeros_like(v) if i == still else v for i, v in enumerate(along)]
    difference = DERIVATIVES[name](net, at, along) - DERIVATIVES[name](net, at, held)
    assert difference.abs().max() > 1e-3


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_the_stream_agrees_with_forward_mode_to_rounding_in_float32(layout):
    net, *inputs = case("unet", dtype=torch.float32)
    at, along = ((x.contiguous(memory_format=layout), *times) for x, *times in inputs)
    torch.testing.assert_close(stream(net, at, along), forward_mode(net, at, along), rtol=1e-4, atol=1e-5)


def test_a_layer_without_a_rule_says_which():
    with pytest.raises(NotImplementedError, match="derivative 'stream' has no rule for softplus"):
        stream(torch.nn.functional.softplus, [torch.zeros(2)], [torch.ones(2)])
