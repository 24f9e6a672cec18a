"""Kinds of prediction are one field: against the published formulas, and at the ends of time."""

import pytest
import torch

from paradigms import load
from paradigms.base import Batch
from paradigms.parts.flow.prediction import EDM, Image, predicting

torch.manual_seed(0)
X_T, T = torch.randn(5, 1, 2, 2, dtype=torch.float64), torch.tensor([0.1, 0.3, 0.5, 0.9, 0.99], dtype=torch.float64)


class Net(torch.nn.Module):
    def forward(self, x, t, r):
        return torch.sin(3 * x) + t.view(-1, 1, 1, 1) - r.view(-1, 1, 1, 1)


def test_a_predicted_image_is_where_one_step_of_the_field_ends():
    field, s = Image(Net()), T.view(-1, 1, 1, 1)
    torch.testing.assert_close(X_T - s * field(X_T, T, 0 * T), Net()(X_T, T, 0 * T))
    assert torch.isfinite(field(X_T, 0 * T, 0 * T)).all()


def test_edm_is_the_denoiser_of_its_table_1():
    field = EDM(Net()).double()
    field.spread.fill_(0.7)
    s, sd = T.view(-1, 1, 1, 1), 0.7
    sigma, z = s / (1 - s), X_T / (1 - s)
    c_skip = sd**2 / (sigma**2 + sd**2)
    c_out, c_in = sigma * sd / (sigma**2 + sd**2).sqrt(), 1 / (sigma**2 + sd**2).sqrt()
    denoised = c_skip * z + c_out * Net()(c_in * z, T, T)
    torch.testing.assert_close(X_T - s * field(X_T, T, T), denoised, atol=1e-12, rtol=0)


def test_edm_has_no_singularity_at_either_end_and_its_input_has_unit_variance():
    seen = []
    field = EDM(Net()).double()
    field.net.register_forward_hook(lambda module, given, out: seen.append(float(given[0].std())))
    x = 0.5 * torch.randn(4000, 1, 2, 2, dtype=torch.float64)  # data of the spread that the field starts with
    for time in (0.0, 0.3, 1.0):
        t = torch.full((4000,), time, dtype=torch.float64)
        assert torch.isfinite(field((1 - time) * x + time * torch.randn_like(x), t, t)).all()
    assert seen == pytest.approx([1.0] * 3, abs=0.03)  # 16,000 values: standard deviation 0.006


def test_edms_weight_makes_errors_of_the_networks_output_count_equally():
    field, other = EDM(Net()).double(), EDM(Net()).double()
    other.net.register_forward_hook(lambda module, given, out: out + 0.1)
    error = (field(X_T, T, T) - other(X_T, T, T)).square() * field.weight(T, X_T)
    torch.testing.assert_close(error, torch.full_like(error, 0.01), atol=1e-12, rtol=0)


def test_a_predicted_velocity_is_the_networks_output():
    net = Net()
    assert predicting("velocity", net) is net and isinstance(predicting("image", net), Image)


def test_their_tangents_are_finite_differences():
    for field in (Image(Net()), EDM(Net()).double()):
        v, one, h = torch.ones_like(X_T), torch.ones_like(T), 1e-6
        found = torch.func.jvp(field, (X_T, T, 0 * T), (v, one, 0 * T))[1]
        around = (field(X_T + h * v, T + h, 0 * T) - field(X_T - h * v, T - h, 0 * T)) / (2 * h)
        torch.testing.assert_close(found, around, atol=1e-6, rtol=1e-6)


def test_diffusion_in_edms_form_weighs_its_loss_by_it_and_takes_the_spread_of_the_data():
    x = 0.3 * torch.randn(64, 1, 8, 8)
    model = load("diffusion")((1, 8, 8), 10, formulation="edm", t_mean=-1.2, t_std=1.2)
    model.observe(x, torch.zeros(64, dtype=torch.int64))
    assert float(model.net.spread) == pytest.approx(float(x.std()))
    (stage,) = model.stages()
    losses = []
    for _ in range(2):
        torch.manual_seed(1)
        losses.append(float(stage.loss(Batch(x, torch.zeros(64)))))
        model.net.spread.mul_(2)  # the loss is divided by its square, and the skip path changes too
    assert losses[0] != losses[1]
    assert model.sample(3, 4, torch.Generator().manual_seed(0), "dpmpp").shape == (3, 1, 8, 8)
