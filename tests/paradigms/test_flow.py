"""Flow matching on a Gaussian, where the velocity is known in closed form."""

import pytest
import torch

from paradigms.parts.flow import flow_matching_loss, logit_normal, on_path

MEAN, STD = 0.7, 0.4


def gaussian_velocity(x_t, t, r):
    """E[eps - x | x_t] for x ~ N(MEAN, STD^2): linear regression of the velocity on x_t."""
    s = t.view(-1, 1, 1, 1)
    variance = (1 - s) ** 2 * STD**2 + s**2
    return -MEAN + (s - (1 - s) * STD**2) / variance * (x_t - (1 - s) * MEAN)


class Biased(torch.nn.Module):
    """The true field plus a constant."""

    def __init__(self, bias):
        super().__init__()
        self.bias = torch.nn.Parameter(torch.tensor(bias, dtype=torch.float64))

    def forward(self, x_t, t, r):
        return gaussian_velocity(x_t, t, r) + self.bias


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
        flow_matching_loss(net, x, -0.4, 1.0).backward()
        gradients.append(float(net.bias.grad))
    # The gradient is 2 (bias + mean residual); the residual's sd over 40,000 rows is below 0.01.
    assert gradients[0] == pytest.approx(0.0, abs=0.03)
    assert gradients[1] == pytest.approx(0.2, abs=0.03)


def test_logit_normal_has_the_stated_logit_moments():
    torch.manual_seed(0)
    t = logit_normal(100_000, -0.4, 1.3, torch.zeros(1, dtype=torch.float64))
    logit = torch.log(t / (1 - t))
    assert t.min() > 0 and t.max() < 1
    assert float(logit.mean()) == pytest.approx(-0.4, abs=0.02)  # standard error .004
    assert float(logit.std()) == pytest.approx(1.3, abs=0.02)
