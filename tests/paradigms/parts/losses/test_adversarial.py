"""The adversarial losses on judges whose gradients are known by hand."""

import math

import pytest
import torch
from torch.nn import functional as F

from paradigms.parts.losses.adversarial import discriminator_loss, generator_loss
from paradigms.parts.networks.strided import Strided

GAMMA = 0.3


@pytest.fixture
def rows():
    torch.manual_seed(0)
    return torch.randn(2, 6, 1, 4, 4, dtype=torch.float64)


def linear(x, label=None):
    return x.flatten(1).sum(1, keepdim=True) / 10


def square(x, label=None):
    return x.square().flatten(1).sum(1, keepdim=True) / 2


def test_both_losses_are_log_2_where_the_judge_sees_no_difference(rows):
    x, _ = rows
    assert float(generator_loss(linear, x, x)) == pytest.approx(math.log(2))
    assert float(discriminator_loss(linear, x, x, gamma=0.0)) == pytest.approx(math.log(2))


def test_samples_climb_the_judge_and_the_judge_parts_pairs(rows):
    x, g = rows
    g.requires_grad_()
    apart = (linear(g) - linear(x)).detach()
    (slope,) = torch.autograd.grad(generator_loss(linear, x, g), g)
    torch.testing.assert_close(slope, -torch.sigmoid(-apart).view(-1, 1, 1, 1).expand_as(g) / 10 / len(g))
    assert float(discriminator_loss(linear, x, g, 0.0)) == pytest.approx(float(F.softplus(apart).mean()))


def test_the_penalties_are_the_squared_gradients_at_real_images_and_at_samples(rows):
    """The gradient of |x|^2 / 2 is x, so a penalty of one side alone, or of the sum of a batch, is another number."""
    x, g = rows[0], 3 * rows[1]
    penalty = discriminator_loss(square, x, g, GAMMA) - discriminator_loss(square, x, g, 0.0)
    by_hand = GAMMA / 2 * (x.square().sum() + g.square().sum()) / len(x)
    assert float(penalty) == pytest.approx(float(by_hand))


def test_the_penalties_have_a_gradient_with_respect_to_the_judges_weights(rows):
    """Double backward through the discriminator equals a finite difference; without its graph it would be zero."""
    torch.manual_seed(0)
    judge = Strided((1, 4, 4), 4, 1, bias=False).double()
    weight, h = judge.shrink1.weight, 1e-5

    def penalty():
        return discriminator_loss(judge, *rows, gamma=2.0) - discriminator_loss(judge, *rows, gamma=0.0)

    (found,) = torch.autograd.grad(penalty(), weight)
    direction, values = torch.randn_like(weight), []
    with torch.no_grad():
        weight += h * direction
        with torch.enable_grad():
            values.append(float(penalty()))
        weight -= 2 * h * direction
        with torch.enable_grad():
            values.append(float(penalty()))
    expected = (values[0] - values[1]) / (2 * h)
    assert abs(expected) > 1e-4 and float((found * direction).sum()) == pytest.approx(expected, rel=1e-4)


def test_classes_reach_the_score_through_their_products_with_the_activities():
    torch.manual_seed(0)
    judge, x = Strided((1, 8, 8), 4, 1, n_classes=3), torch.randn(2, 1, 8, 8)
    scores = [judge(x, torch.full((2,), label)) for label in range(3)]
    assert scores[0].shape == (2, 1) and not torch.allclose(scores[0], scores[1])


def test_sides_that_4_does_not_divide_are_refused():
    with pytest.raises(ValueError, match="6 x 8; allowed"):
        Strided((1, 6, 8), 4, 1)
