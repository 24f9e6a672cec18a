"""The small AlexNet recipe: shapes, random shifts, dropout and schedule."""

import pytest
import torch
from torch import nn

from paradigms.base import Batch
from paradigms.end_to_end import EndToEnd, random_shift, step_decay


@pytest.mark.parametrize("shape", [(1, 8, 8), (1, 28, 28), (3, 32, 32)])
@pytest.mark.parametrize("network", ["convolutional", "mlp"])
def test_every_image_size_gives_class_scores_and_every_parameter_a_gradient(shape, network):
    torch.manual_seed(0)
    model = EndToEnd(shape, 10, network=network, width=8)
    x = 2 * torch.rand(6, *shape) - 1
    model.loss(Batch(x, torch.arange(6))).backward()
    assert model.logits(x).shape == (6, 10)
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_shifted_images_keep_shape_and_range():
    torch.manual_seed(0)
    x = 2 * torch.rand(50, 3, 8, 8) - 1
    shifted = random_shift(x, 0.125)
    assert shifted.shape == x.shape and shifted.min() >= -1 and shifted.max() <= 1
    assert not torch.equal(shifted, x)


def test_shift_zero_is_the_identity():
    x = torch.rand(5, 1, 8, 8)
    # The grid of sampling points is computed in float32.
    torch.testing.assert_close(random_shift(x, 0.0), x, atol=1e-5, rtol=0)


def test_shifts_stay_within_their_share_of_the_side_and_differ_between_images():
    torch.manual_seed(0)
    ramp = torch.linspace(-1, 1, 32).expand(400, 1, 32, 32)
    step = 2 / 31  # of the ramp, a pixel
    shifts = (random_shift(ramp, 1 / 16)[:, 0, :, 16] - ramp[:, 0, :, 16]) / step
    assert shifts.abs().max() <= 2 + 1e-3  # 1/16 of 32 pixels
    assert shifts.max() > 1.8 and shifts.min() < -1.8
    assert len(shifts[:, 0].round(decimals=4).unique()) > 300


def test_an_edge_is_repeated_where_the_image_ends():
    flat = torch.full((20, 1, 8, 8), 0.7)
    torch.testing.assert_close(random_shift(flat, 0.4), flat)


def test_training_uses_dropout_and_evaluation_is_deterministic():
    torch.manual_seed(0)
    model = EndToEnd((1, 8, 8), 10)
    x = torch.rand(4, 1, 8, 8)
    model.train()
    assert not torch.equal(model.logits(x), model.logits(x))
    model.eval()
    assert torch.equal(model.logits(x), model.logits(x))


def test_the_learning_rate_falls_to_a_tenth_three_times():
    factors = [step_decay(progress / 100) for progress in range(101)]
    assert factors == sorted(factors, reverse=True)
    assert sorted(set(factors), reverse=True) == pytest.approx([1, 0.1, 0.01, 0.001])


def test_the_mlp_has_the_requested_widths_and_no_sigmoid():
    model = EndToEnd((1, 8, 8), 10, network="mlp", widths=(20, 30))
    assert [tuple(layer.weight.shape) for layer in model.head.layers] == [(20, 64), (30, 20)]
    assert not any(isinstance(module, nn.Sigmoid) for module in model.modules())


@pytest.mark.parametrize("options", [{"network": "cnn"}, {"dropout": 1.0}, {"shift": -0.1}, {"width": 0}])
def test_wrong_options_raise_one_line_that_names_them(options):
    with pytest.raises(ValueError, match=f"^{next(iter(options))} = .*allowed: [^\n]*$"):
        EndToEnd((1, 8, 8), 10, **options)
