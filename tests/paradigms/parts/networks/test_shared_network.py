"""Ways to compute the shared networks faster: the gradient stays that of the eager one."""

import copy
import shutil

import pytest
import torch

from paradigms.parts.flow.tangent import DERIVATIVES
from paradigms.parts.networks.backbone import BACKBONES
from paradigms.parts.networks.shared_network import accelerate, plainly

# bfloat16 has 8 bits: 0.4 % per rounding.
BOUNDS = {"bfloat16": 2e-2, "channels_last": 1e-5, "compiled": 1e-5}


def case(backbone):
    torch.manual_seed(0)
    net = BACKBONES[backbone]((1, 8, 8), width=16 if backbone == "unet" else 8)
    for parameter in net.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    t = torch.rand(6)
    return net, (torch.randn(6, 1, 8, 8), t, t * torch.rand(6))


def gradient(net, at):
    net.zero_grad()
    net(*at).square().mean().backward()
    return torch.cat([parameter.grad.flatten() for parameter in net.parameters()])


def error(found, expected):
    return float(((found - expected).norm() / expected.norm()).detach())


@pytest.mark.parametrize(
    ("backbone", "ways"),
    [
        ("unet", ["bfloat16"]),
        ("unet", ["channels_last"]),
        ("unet", ["bfloat16", "channels_last"]),
        ("mlp", ["bfloat16"]),
        ("mlp", ["compiled"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "+".join(value),
)
def test_the_gradient_is_that_of_the_eager_network(backbone, ways):
    if "compiled" in ways and not shutil.which("g++"):
        pytest.skip("torch.compile needs a C++ compiler on a CPU, and there is no g++")
    net, at = case(backbone)
    faster = copy.deepcopy(net)
    accelerate(faster, ways)
    assert 0 < error(gradient(faster, at), gradient(net, at)) < max(BOUNDS[way] for way in ways)
    assert faster(*at).dtype == torch.float32


def test_the_time_is_embedded_in_float32_whatever_the_rest_does():
    net, at = case("unet")
    accelerate(net, ["bfloat16"])
    seen = {}
    for name in ("time", "enter"):
        getattr(net, name).register_forward_hook(lambda module, given, found, name=name: seen.update({name: found}))
    net(*at)
    assert (seen["time"].dtype, seen["enter"].dtype) == (torch.float32, torch.bfloat16)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives_are_those_of_full_precision(name):
    net, at = case("unet")
    along = torch.randn(6, 1, 8, 8), torch.ones(6), torch.zeros(6)
    expected = DERIVATIVES[name](net, at, along)
    accelerate(net, ["bfloat16"])
    assert torch.equal(DERIVATIVES[name](net, at, along), expected)


def test_a_copy_computes_with_weights_of_its_own():
    net, at = case("unet")
    accelerate(net, ["bfloat16"])
    twin = copy.deepcopy(net)
    with torch.no_grad():
        net.leave.bias.add_(1.0)
    assert error(net(*at), twin(*at)) > 0.1
    with plainly():
        assert not torch.equal(twin(*at), twin(*at).bfloat16().float())


def test_an_unknown_way_is_one_line_with_the_allowed_ones():
    with pytest.raises(ValueError, match="compute = 'float16'; allowed: bfloat16, channels_last, compiled"):
        accelerate(torch.nn.Module(), ["float16"])
