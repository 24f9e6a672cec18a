"""The MeanFlow identity on a Gaussian, whose average velocity and tangent are known in closed form."""

import inspect

import pytest
import torch

from paradigms import load
from paradigms.base import Batch
from paradigms.parts.flow import flow
from paradigms.parts.flow.flow import Rows, flow_matching_loss
from paradigms.parts.flow.tangent import DERIVATIVES

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


def test_the_exact_target_at_the_true_field_is_the_true_field(points):
    z, t, r = points
    found = meanflow(derivative="jvp").along_the_tangent(z, t, r, marginal_velocity(z, t), marginal_velocity)
    assert torch.allclose(found, average_velocity(z, t, r), atol=1e-10)


@pytest.mark.parametrize("wrong", [(1, 0, 0), (1, 1, 1), (1, 0, 1)], ids=["no time", "both times", "r for t"])
def test_each_wrong_tangent_misses_it(monkeypatch, points, wrong):
    """(velocity, dt, dr) other than (velocity, 1, 0) trains without an error, so the test above must see it."""
    z, t, r = points
    right = torch.func.jvp

    def mistaken(net, primals, tangents):
        v, one, _ = tangents
        return right(net, primals, (wrong[0] * v, wrong[1] * one, wrong[2] * one))

    monkeypatch.setattr(torch.func, "jvp", mistaken)
    found = meanflow(derivative="jvp").along_the_tangent(z, t, r, marginal_velocity(z, t), marginal_velocity)
    assert (found - average_velocity(z, t, r)).abs().max() > 0.05


def test_the_secants_target_at_the_true_field_is_the_true_field_up_to_an_error_of_second_order(monkeypatch, points):
    z, t, r = points
    paradigm, errors = meanflow(), []
    for share in (0.2, 0.1, 0.05):
        monkeypatch.setattr(inspect.getmodule(type(paradigm)), "SECANT_SHARES", (share, share))
        found = paradigm.along_a_secant(z, t, r, marginal_velocity(z, t), marginal_velocity)
        errors.append(float((found - average_velocity(z, t, r)).abs().mean()))
    # One Heun step errs by the third power of its length, and the longest here spans a fifth of the whole time.
    assert errors[0] < 0.01 and 6 < errors[0] / errors[1] < 10 and 6 < errors[1] / errors[2] < 10


@pytest.mark.parametrize("wrong", ["stays", "lands at t", "backwards"])
def test_each_wrong_secant_misses_it(points, wrong):
    z, t, r = points
    paradigm = meanflow()
    mistakes = {
        "stays": lambda z_s, s, r: average_velocity(z, s, r),
        "lands at t": lambda z_s, s, r: average_velocity(z_s, t, r),
        "backwards": lambda z_s, s, r: average_velocity(2 * z - z_s, s, r),
    }
    paradigm.net.forward = mistakes[wrong]
    torch.manual_seed(0)
    found = paradigm.along_a_secant(z, t, r, marginal_velocity(z, t), marginal_velocity)
    assert (found - average_velocity(z, t, r)).abs().max() > 0.05


def test_a_draw_of_the_velocity_gives_the_secants_target_on_average(points):
    z, t, r = points
    paradigm, v = meanflow(), marginal_velocity(z, t)
    noise, found = torch.randn_like(z), []
    for draw in (v, v + noise, v - noise):
        torch.manual_seed(0)
        found.append(paradigm.along_a_secant(z, t, r, draw, marginal_velocity))
    assert torch.allclose((found[1] + found[2]) / 2, found[0], atol=1e-12) and not torch.equal(found[1], found[0])


OPTIONS = [
    {},
    {"velocity": "conditional", "derivative": "jvp"},
    {"tangent": "predicted"},
    *({"derivative": name} for name in DERIVATIVES),
]


@pytest.mark.parametrize("options", OPTIONS)
def test_target_carries_no_gradient_and_leads_with_velocities(options):
    torch.manual_seed(0)
    paradigm = load("meanflow")((1, 8, 8), 10, interval_share=0.25, **options)
    torch.nn.init.normal_(paradigm.net.leave.weight, std=0.1)
    x, eps = torch.randn(2, 8, 1, 8, 8)
    paradigm.observe(x, torch.zeros(8))
    r, t = paradigm.draw_times(x)
    target = paradigm.target(Batch(x, torch.zeros(8)), eps, flow.on_path(x, eps, t), t, r)
    assert not target.requires_grad
    marginal = flow.marginal_velocity(flow.on_path(x, eps, t), t, x.flatten(1))
    velocity = eps - x if options.get("velocity") == "conditional" else marginal
    assert torch.allclose(target[:6], velocity[:6], atol=1e-6)
    assert not torch.allclose(target[6:], velocity[6:], atol=0.01)
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
        lambda: flow_matching_loss(paradigm.net, Batch(x, torch.zeros(16)), Rows(x.flatten(1))),
    )
    gradients = []
    for loss in losses:
        torch.manual_seed(1)
        paradigm.zero_grad()
        loss().backward()
        gradients.append(torch.cat([p.grad.flatten() for p in paradigm.net.parameters()]))
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("derivative", DERIVATIVES)
def test_the_tangent_through_the_network_equals_finite_differences(derivative):
    torch.manual_seed(0)
    paradigm = load("meanflow")((1, 8, 8), 10, derivative=derivative).double()
    for parameter in paradigm.net.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    z, v = torch.randn(2, 4, 1, 8, 8, dtype=torch.float64)
    t, r, h = torch.full((4,), 0.8, dtype=torch.float64), torch.full((4,), 0.2, dtype=torch.float64), 1e-5
    tangent = (v - paradigm.along_the_tangent(z, t, r, v, lambda z, t: v)) / 0.6
    difference = (paradigm.net(z + h * v, t + h, r) - paradigm.net(z - h * v, t - h, r)) / (2 * h)
    # h^2 = 1e-10 and rounding 1e-16 / h = 1e-11; its own central difference has a step of 1e-3
    assert torch.allclose(tangent, difference, atol=1e-4 if derivative == "difference" else 1e-7)
    assert tangent.abs().max() > 1e-3


def test_times_are_logit_normal_where_they_are_spread_and_reach_up_to_noise_in_the_corner():
    torch.manual_seed(0)
    spread = load("meanflow")((1, 8, 8), 10, interval_share=1.0, corner_share=0.0)
    r, t = spread.draw_times(torch.zeros(50_000, 1, 8, 8))
    assert (r <= t).all()
    logit = torch.logit(torch.cat([r, t]))
    assert float(logit.mean()) == pytest.approx(-0.4, abs=0.02)  # standard error 0.003
    assert float(logit.std()) == pytest.approx(1.0, abs=0.02)
    corner = load("meanflow")((1, 8, 8), 10, interval_share=1.0, corner_share=1.0)
    r, t = corner.draw_times(torch.zeros(50_000, 1, 8, 8))
    assert (r <= t).all() and float(t.min()) >= 0.5 and float((t > 0.95).float().mean()) > 0.3  # sqrt(0.1) = 0.32


@pytest.mark.parametrize(
    "option",
    [
        {"velocity": "mean"},
        {"velocity": "conditional"},  # not with the secant, which is the default
        {"derivative": "adjoint"},
        {"tangent": "mean"},
        {"corner_share": 1.5},
        {"interval_share": -0.1},
    ],
)
def test_a_wrong_option_is_one_line_with_the_allowed_values(option):
    with pytest.raises(ValueError, match="allowed"):
        load("meanflow")((1, 8, 8), 10, **option)
