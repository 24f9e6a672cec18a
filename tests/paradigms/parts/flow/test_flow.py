"""Flow matching on a Gaussian, where the velocity is known in closed form."""

import pytest
import torch

from paradigms.base import Batch
from paradigms.parts.flow import flow
from paradigms.parts.flow.flow import Rows, flow_matching_loss, logit_normal, marginal_velocity, on_path, reference_rows
from paradigms.parts.networks.unet import UNet

MEAN, STD = 0.7, 0.4


def gaussian_velocity(x_t, t, r):
    """E[eps - x | x_t] for x ~ N(MEAN, STD^2): linear regression of the velocity on x_t."""
    s = t.view(-1, 1, 1, 1)
    variance = (1 - s) ** 2 * STD**2 + s**2
    return -MEAN + (s - (1 - s) * STD**2) / variance * (x_t - (1 - s) * MEAN)


def split(x):
    """Images as the batch and as the training split of a loss."""
    return Batch(x, torch.zeros(len(x), dtype=torch.int64)), Rows(x.flatten(1))


class Biased(torch.nn.Module):
    """The true field plus a constant."""

    def __init__(self, bias):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.tensor(bias, dtype=torch.float64))

    def forward(self, x_t, t, r):
        return gaussian_velocity(x_t, t, r) + self.bias


def test_a_weight_multiplies_the_squared_error_row_by_row():
    torch.manual_seed(0)
    x = torch.randn(6, 1, 2, 2, dtype=torch.float64)
    settings = {"velocity": "conditional", "mean": 0.0, "std": 1.0}
    losses = []
    for weight in (None, lambda t, x: 3 + 0 * t.view(-1, 1, 1, 1), lambda t, x: t.view(-1, 1, 1, 1)):
        torch.manual_seed(1)
        losses.append(float(flow_matching_loss(Biased(0.5), *split(x), **settings, weight=weight)))
    assert losses[1] == pytest.approx(3 * losses[0]) and losses[2] < losses[0]


def test_the_path_runs_from_data_to_noise():
    x, eps = torch.full((2, 1, 2, 2), 3.0), torch.full((2, 1, 2, 2), 5.0)
    assert torch.equal(on_path(x, eps, torch.zeros(2)), x)
    assert torch.equal(on_path(x, eps, torch.ones(2)), eps)


def test_loss_is_stationary_at_the_closed_form_velocity_and_not_beside_it():
    torch.manual_seed(0)
    x = MEAN + STD * torch.randn(40_000, 1, 1, 1, dtype=torch.float64)
    gradients = []
    for bias in (0.0, 0.1):
        net = Biased(bias)
        flow_matching_loss(net, *split(x), velocity="conditional", mean=-0.4, std=1.0).backward()
        gradients.append(float(net.bias.grad))
    # The gradient is 2 (bias + mean residual); the residual's sd over 40,000 rows is below 0.01.
    assert gradients[0] == pytest.approx(0.0, abs=0.03)
    assert gradients[1] == pytest.approx(0.2, abs=0.03)


def test_the_marginal_velocity_is_the_posterior_mean_by_bayes_rule():
    torch.manual_seed(0)
    data = torch.randn(5, 1, 2, 2, dtype=torch.float64)
    t = torch.tensor([0.2, 0.5, 0.9, 1.0], dtype=torch.float64)
    x_t = torch.randn(4, 1, 2, 2, dtype=torch.float64)
    found = marginal_velocity(x_t, t, data.flatten(1))
    for row in range(4):
        s, weighted, total = t[row], 0, 0
        for x in data:
            eps = (x_t[row] - (1 - s) * x) / s
            density = torch.exp(-eps.square().sum() / 2)  # of x_t given x, up to what all x share
            weighted, total = weighted + density * (eps - x), total + density
        assert torch.allclose(found[row], weighted / total, atol=1e-12)


def test_the_marginal_velocity_of_a_class_averages_over_its_own_rows_alone():
    torch.manual_seed(0)
    data, label = torch.randn(6, 1, 2, 2, dtype=torch.float64), torch.tensor([0, 1, 0, 1, 0, 1])
    batch, rows = Batch(data[:2], label[:2]), Rows(data.flatten(1), label)
    t = torch.tensor([0.8, 0.9], dtype=torch.float64)
    found = marginal_velocity(data[:2], t, rows.x, rows.of_class_of(batch))
    for row in (0, 1):
        own = marginal_velocity(data[row : row + 1], t[row : row + 1], rows.x[label == row])
        torch.testing.assert_close(found[row : row + 1], own, atol=1e-12, rtol=0)
    assert not torch.allclose(found, marginal_velocity(data[:2], t, rows.x), atol=1e-3)


def test_the_marginal_velocity_of_gaussian_data_is_the_closed_form():
    torch.manual_seed(0)
    data = MEAN + STD * torch.randn(100_000, 1, dtype=torch.float64)
    x_t, t = torch.tensor([0.1, 0.9, -0.5], dtype=torch.float64), torch.tensor([0.3, 0.5, 0.95], dtype=torch.float64)
    x_t = x_t.view(-1, 1, 1, 1)
    # Of 100,000 rows thousands carry weight: the standard error of a posterior mean is below 0.01.
    assert torch.allclose(marginal_velocity(x_t, t, data), gaussian_velocity(x_t, t, t), atol=0.03)


def test_both_targets_have_the_same_gradient_on_average_and_the_marginal_one_no_noise_at_the_optimum(monkeypatch):
    torch.manual_seed(0)
    data = torch.randn(20, 1, 2, 2, dtype=torch.float64)
    monkeypatch.setitem(globals(), "gaussian_velocity", lambda x_t, t, r: marginal_velocity(x_t, t, data.flatten(1)))
    gradients = {"conditional": [], "marginal": []}
    for velocity, found in gradients.items():
        for _ in range(400):
            net = Biased(0.3)
            flow_matching_loss(net, *split(data), velocity=velocity, mean=-0.4, std=1.0).backward()
            found.append(float(net.bias.grad))
    assert gradients["marginal"] == pytest.approx([0.6] * 400, abs=1e-9)  # 2 bias
    conditional = torch.tensor(gradients["conditional"])
    assert float(conditional.mean()) == pytest.approx(0.6, abs=4 * float(conditional.std()) / 400**0.5)
    assert conditional.std() > 0.01


def test_large_data_are_averaged_over_the_batch_and_a_draw(monkeypatch):
    data = Rows(torch.arange(30.0)[:, None], torch.arange(30))
    batch = Batch(torch.full((4, 1, 1, 1), -1.0), torch.full((4,), -1))
    assert reference_rows(batch, data) is data
    monkeypatch.setattr(flow, "REFERENCE_ROWS", 10)
    drawn = reference_rows(batch, data)
    assert drawn.x.shape == (10, 1) and (drawn.x[:4] == -1).all() and (drawn.x[4:] >= 0).all()
    assert torch.equal(drawn.x[:, 0].long(), drawn.label), "a row keeps its class"
    assert reference_rows(batch, Rows(data.x)).label is None


def test_logit_normal_has_the_stated_logit_moments():
    torch.manual_seed(0)
    t = logit_normal(100_000, -0.4, 1.3, torch.zeros(1, dtype=torch.float64))
    logit = torch.log(t / (1 - t))
    assert t.min() > 0 and t.max() < 1
    assert float(logit.mean()) == pytest.approx(-0.4, abs=0.02)  # standard error 0.004
    assert float(logit.std()) == pytest.approx(1.3, abs=0.02)


def test_the_network_gives_the_same_field_with_and_without_gradients_and_its_jvp_in_both():
    torch.manual_seed(0)
    net = UNet((1, 8, 8))
    torch.nn.init.normal_(net.leave.weight, std=0.3)
    x, t, r = torch.randn(4, 1, 8, 8), torch.rand(4), torch.zeros(4)
    moved = torch.func.jvp(net, (x, t, r), (x, t, r))
    with torch.no_grad():
        field, tangent = net(x, t, r), torch.func.jvp(net, (x, t, r), (x, t, r))[1]
    # Another memory layout sums in another order.
    assert torch.allclose(field, moved[0], atol=1e-5) and torch.allclose(tangent, moved[1], atol=1e-4)
