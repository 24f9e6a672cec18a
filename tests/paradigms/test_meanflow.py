"""The MeanFlow identity on a Gaussian, whose average velocity and tangent are known in closed form."""

import inspect

import pytest
import torch

from paradigms import load
from paradigms.base import Batch
from paradigms.parts.flow import flow_matching_loss

MEAN, STD = 0.3, 0.5


def spread(t):
    """Standard deviation of x_t for x ~ N(MEAN, STD^2)."""
    return ((1 - t) ** 2 * STD**2 + t**2).sqrt()


def average_velocity(z, t, r):
    """(z_t - z_r) / (t - r) along the ODE of the Gaussian; z (B, 1, 1, 1), t and r (B,) with r < t."""
    t, r = (s.view(-1, 1, 1, 1) for s in (t, r))
    z_r = (1 - r) * MEAN + spread(r) / spread(t) * (z - (1 - t) * MEAN)
    return (z - z_r) / (t - r)


class GaussianU(torch.nn.Module):
    def forward(self, z, t, r):
        return marginal_velocity(z, t) if torch.equal(t, r) else average_velocity(z, t, r)


def marginal_velocity(z, t):
    t = t.view(-1, 1, 1, 1)
    return -MEAN + (t - (1 - t) * STD**2) / spread(t) ** 2 * (z - (1 - t) * MEAN)


def meanflow(**options):
    """The paradigm with the true field in place of its network."""
    paradigm = load("meanflow")((1, 1, 1), 2, backbone="mlp", interval_share=1.0, **options)
    paradigm.net = GaussianU()
    return paradigm.double()


@pytest.fixture
def points():
    torch.manual_seed(0)
    t = 0.3 + 0.7 * torch.rand(50, dtype=torch.float64)
    r = t * torch.rand(50, dtype=torch.float64) * 0.9
    return torch.randn(50, 1, 1, 1, dtype=torch.float64), t, r


# The difference quotient is one-sided: its error is STEP / 2 = .001 times the second derivative, here below 10.
@pytest.mark.parametrize("tangent", ["target", "predicted"])
@pytest.mark.parametrize(("derivative", "tolerance"), [("jvp", 1e-10), ("difference", 0.01)])
def test_target_at_the_true_field_is_the_true_field(points, tangent, derivative, tolerance):
    z, t, r = points
    u = average_velocity(z, t, r)
    target = meanflow(tangent=tangent, derivative=derivative).target(z, t, r, marginal_velocity(z, t), u)
    assert torch.allclose(target, u, atol=tolerance)


@pytest.mark.parametrize("wrong", [(1, 0, 0), (1, 1, 1), (1, 0, 1)], ids=["no time", "both times", "r for t"])
def test_each_wrong_tangent_misses_it(monkeypatch, points, wrong):
    """(velocity, dt, dr) other than (velocity, 1, 0) trains without an error, so the test above must see it."""
    z, t, r = points
    u = average_velocity(z, t, r)
    right = torch.func.jvp

    def mistaken(net, primals, tangents):
        v, one, _ = tangents
        return right(net, primals, (wrong[0] * v, wrong[1] * one, wrong[2] * one))

    monkeypatch.setattr(torch.func, "jvp", mistaken)
    target = meanflow(tangent="target", derivative="jvp").target(z, t, r, marginal_velocity(z, t), u)
    assert (target - u).abs().max() > 0.05


def test_target_carries_no_gradient_and_leads_with_plain_velocities():
    torch.manual_seed(0)
    paradigm = load("meanflow")((1, 8, 8), 10, interval_share=0.25)
    x_t, velocity = torch.randn(8, 1, 8, 8), torch.randn(8, 1, 8, 8)
    r, t = paradigm.draw_times(x_t)
    target = paradigm.target(x_t, t, r, velocity, torch.zeros_like(x_t))
    assert not target.requires_grad
    assert torch.equal(target[:6], velocity[:6])
    assert torch.equal(r[:6], t[:6])
    assert (r[6:] < t[6:]).all()


def test_without_intervals_the_gradient_is_that_of_flow_matching():
    torch.manual_seed(0)
    paradigm = load("meanflow")((1, 8, 8), 10, interval_share=0.0, weight_power=0.0)
    torch.nn.init.normal_(paradigm.net.leave.weight, std=0.1)
    x = torch.randn(16, 1, 8, 8)
    paradigm.observe(x, torch.zeros(16))
    # Both draw eps first and the times next.
    losses = (
        lambda: paradigm.loss(Batch(x, torch.zeros(16))),
        lambda: flow_matching_loss(paradigm.net, x, x.flatten(1), velocity="marginal", mean=-0.4, std=1.0),
    )
    gradients = []
    for loss in losses:
        torch.manual_seed(1)
        paradigm.zero_grad()
        loss().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in paradigm.net.parameters()]))
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-5)


def test_tangent_through_the_network_equals_finite_differences():
    torch.manual_seed(0)
    paradigm = load("meanflow")((1, 8, 8), 10).double()
    for parameter in paradigm.net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    z, v = torch.randn(2, 4, 1, 8, 8, dtype=torch.float64)
    t, r, h = torch.full((4,), 0.8, dtype=torch.float64), torch.full((4,), 0.2, dtype=torch.float64), 1e-5
    paradigm.derivative = "jvp"
    tangent = paradigm.derivative_along(z, t, r, v, None)
    difference = (paradigm.net(z + h * v, t + h, r) - paradigm.net(z - h * v, t - h, r)) / (2 * h)
    assert torch.allclose(tangent, difference, atol=1e-7)  # h^2 = 1e-10 and rounding 1e-16 / h = 1e-11
    assert tangent.abs().max() > 1e-3


def test_the_difference_quotient_is_a_first_order_approximation_of_the_tangent(monkeypatch):
    torch.manual_seed(0)
    paradigm = load("meanflow")((1, 8, 8), 10).double()
    for parameter in paradigm.net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    z, v = torch.randn(2, 4, 1, 8, 8, dtype=torch.float64)
    t, r = torch.full((4,), 0.8, dtype=torch.float64), torch.full((4,), 0.2, dtype=torch.float64)
    module, u, errors = inspect.getmodule(type(paradigm)), paradigm.net(z, t, r), []
    paradigm.derivative = "jvp"
    tangent = paradigm.derivative_along(z, t, r, v, u)
    paradigm.derivative, step = "difference", module.STEP
    for factor in (1.0, 0.5):
        monkeypatch.setattr(module, "STEP", factor * step)
        errors.append(float((paradigm.derivative_along(z, t, r, v, u) - tangent).norm() / tangent.norm()))
    assert errors[0] < 0.05
    assert abs(errors[0] / errors[1] - 2) < 0.1  # the second order is a few per cent of the first


@pytest.mark.parametrize(
    "option",
    [
        {"tangent": "other"},
        {"velocity": "mean"},
        {"derivative": "adjoint"},
        {"corner_share": 1.5},
        {"interval_share": -0.1},
    ],
)
def test_a_wrong_option_is_one_line_with_the_allowed_values(option):
    with pytest.raises(ValueError, match="allowed"):
        load("meanflow")((1, 8, 8), 10, **option)
