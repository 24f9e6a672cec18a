"""What MeanFlow's target is on average at the true field, where the mean velocity is over a part of the training split
and where it is over all of it, and improved MeanFlow's form."""

import inspect
from itertools import pairwise

import pytest
import torch
from sklearn.datasets import load_digits

from paradigms import load
from paradigms.base import Batch
from paradigms.parts.flow import flow
from paradigms.parts.flow.tangent import forward_mode

SHAPE, N_ROWS, PART, BATCH, T = (32, 1, 1), 8192, 64, 16, 0.8


def spread(t):
    """Standard deviation of x_t for standard normal x."""
    return ((1 - t).square() + t.square()).sqrt().view(-1, 1, 1, 1)


class TrueField(torch.nn.Module):
    """Average velocity, and velocity where r = t, of standard normal data."""

    def forward(self, z, t, r):
        if torch.equal(t, r):
            return flow.over_image(2 * t - 1, z) / spread(t) ** 2 * z
        return (1 - spread(r) / spread(t)) / flow.over_image(t - r, z) * z


def build(**options):
    """The paradigm with the true field in place of its network, and a large sample of the data as training split."""
    torch.manual_seed(0)
    paradigm = load("meanflow")(SHAPE, 2, backbone="mlp", interval_share=1.0, **options).double()
    paradigm.net = TrueField()
    paradigm.observe(torch.randn(N_ROWS, *SHAPE, dtype=torch.float64), torch.zeros(N_ROWS))
    return paradigm


def bias(paradigm, n_batches=100):
    """Relative error of the target of u(x_t, T, 0), which is proportional to x_t, averaged over points and draws."""
    found = right = 0.0
    t, r = torch.full((BATCH,), T, dtype=torch.float64), torch.zeros(BATCH, dtype=torch.float64)
    for _ in range(n_batches):
        x = paradigm.data[torch.randint(N_ROWS, (BATCH,))].view(-1, *SHAPE)
        eps = torch.randn_like(x)
        x_t = flow.on_path(x, eps, t)
        found += float((x_t * paradigm.target(Batch(x, torch.zeros(BATCH)), eps, x_t, t, r)).sum())
        right += float((x_t * paradigm.net(x_t, t, r)).sum())
    return abs(found / right - 1)


@pytest.mark.parametrize("options", [{}, {"velocity": "conditional", "tangent": "predicted"}])
def test_with_a_part_of_the_split_the_secants_target_is_the_true_field_on_average(monkeypatch, options):
    monkeypatch.setattr(flow, "REFERENCE_ROWS", PART)
    assert bias(build(**options)) < 0.08  # Heun's error is 0.03, and so is the standard error


def test_off_the_path_the_mean_velocity_of_a_part_of_the_split_misses_it(monkeypatch):
    """The fault that the test above is there for: a part that holds a row's own image is biased away from its path."""
    monkeypatch.setattr(flow, "REFERENCE_ROWS", PART)
    paradigm, parts = build(), []
    module, follow = inspect.getmodule(type(paradigm)), paradigm.along_a_secant

    def remembered(batch, data):
        parts.append(flow.reference_rows(batch, data))
        return parts[-1]

    def faulty(z, t, r, v, field, label):
        return follow(z, t, r, v, lambda z, t: flow.marginal_velocity(z, t, parts[-1].x), label)

    monkeypatch.setattr(module, "reference_rows", remembered)
    monkeypatch.setattr(paradigm, "along_a_secant", faulty)
    assert bias(paradigm) > 0.2


def end_of_the_flow(z, rows, n_steps):
    """Heun's method from t = 1 to 0 in equal steps."""
    times = torch.linspace(1, 0, n_steps + 1)[:, None].expand(-1, len(z))
    return end_of_steps(z, times, rows)


def end_of_steps(z, times, rows):
    for t, s in pairwise(times):
        step, slope = flow.over_image(t - s, z), flow.marginal_velocity(z, t, rows)
        ahead = z - step * slope
        # A step that ends at t = 0 has no velocity to average with there.
        z = ahead if (s == 0).all() else z - step * (slope + flow.marginal_velocity(ahead, s, rows)) / 2
    return z


def test_with_the_whole_split_the_secants_fixed_point_is_u_up_to_the_error_of_its_steps():
    """At (1, 0) on the digits: the fixed point is the mean end of chains of random secants."""
    torch.manual_seed(0)
    rows = torch.tensor(load_digits().data[:1257], dtype=torch.float32) / 8 - 1
    eps = torch.randn(16, 1, 8, 8)
    u = eps - end_of_the_flow(eps, rows, 200)
    low, high = inspect.getmodule(load("meanflow")).SECANT_SHARES
    errors = []
    for shorter in (1, 4):
        z = eps.repeat(8, 1, 1, 1)
        shares = (low + (high - low) * torch.rand(24 * shorter, len(z))) / shorter
        times = torch.cat([torch.ones(1, len(z)), (1 - shares).cumprod(0)])
        mean = (z - end_of_steps(z, times, rows)).view(8, *eps.shape).mean(0)
        errors.append(float((mean - u).norm() / u.norm()))
    assert 0.05 < errors[0] < 0.2 and errors[1] < errors[0] / 3


def test_improved_meanflow_is_the_conditional_velocity_with_a_predicted_exact_tangent():
    """Its loss |V - (eps - x)|^2 with V = u + (t - r) stop(du/dt), written out, in value and in gradient."""
    torch.manual_seed(0)
    options = {"velocity": "conditional", "derivative": "jvp", "tangent": "predicted", "weight_power": 0.0}
    paradigm = load("meanflow")((1, 8, 8), 10, interval_share=1.0, **options).double()
    torch.nn.init.normal_(paradigm.net.leave.weight, std=0.1)
    batch = Batch(torch.randn(8, 1, 8, 8, dtype=torch.float64), torch.zeros(8, dtype=torch.int64))
    paradigm.observe(*batch)

    def written_out():
        eps, (r, t), net = torch.randn_like(batch.x), paradigm.draw_times(batch.x), paradigm.net
        z = flow.on_path(batch.x, eps, t)
        tangent = forward_mode(net, (z, t, r), (net(z, t, t).detach(), torch.ones_like(t), torch.zeros_like(r)))
        v = net(z, t, r) + flow.over_image(t - r, z) * tangent.detach()
        return (v - (eps - batch.x)).square().mean()

    found = []
    for loss in (lambda: paradigm.loss(batch), written_out):
        torch.manual_seed(1)
        paradigm.zero_grad()
        value = loss()
        value.backward()
        found.append(torch.cat([value.detach()[None], *(p.grad.flatten() for p in paradigm.net.parameters())]))
    torch.testing.assert_close(*found)
