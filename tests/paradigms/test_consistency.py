"""Consistency on a Gaussian, whose consistency function is known in closed form; the curriculum."""

import inspect

import pytest
import torch

from paradigms import load
from paradigms.base import Batch
from paradigms.parts.flow.flow import on_path, over_image
from tests.paradigms.test_meanflow import MEAN, STD, marginal_velocity, spread

SHAPE = (1, 8, 8)


def build(**options):
    torch.manual_seed(0)
    return load("consistency")(SHAPE, 10, **{"backbone": "mlp", "width": 32} | options)


def end(z, t):
    """The end of the Gaussian's path through z at time t."""
    t = t.view(-1, 1, 1, 1)
    return MEAN + STD / spread(t) * (z - (1 - t) * MEAN)


class TrueEnd(torch.nn.Module):
    """The network whose f is the true one; f is only ever made of t net(x, t, t)."""

    def forward(self, x, t, r):
        return (x - end(x, t)) / t.view(-1, 1, 1, 1)


class Proportional(torch.nn.Module):
    """The network a x, whose f is (1 - a t) x_t; it remembers what it was given."""

    def __init__(self):
        super().__init__()
        self.a, self.given = torch.nn.Parameter(torch.tensor(0.7, dtype=torch.float64)), []

    def forward(self, x, t, r, label=None):
        self.given.append((x, t, label))
        return self.a * x


def test_f_is_the_identity_on_data_whatever_the_network_is():
    model = build()
    torch.nn.init.normal_(model.net.leave.weight)
    x = torch.randn(3, *SHAPE)
    assert torch.equal(model.end(x, torch.zeros(3), None), x)


def test_the_true_function_is_taught_to_itself_up_to_the_square_of_the_gap():
    """A pair shares image and noise, so on average the teacher is one Euler step along the path."""
    model, errors = build(), []
    model.net = TrueEnd()
    z, t = torch.linspace(-2, 2, 9, dtype=torch.float64).view(-1, 1, 1, 1), torch.full((9,), 0.8, dtype=torch.float64)
    for gap in (0.1, 0.05, 0.025):
        taught = model.end(z - gap * marginal_velocity(z, t), t - gap, None)
        errors.append(float((taught - model.end(z, t, None)).abs().max()))
    assert 3 < errors[0] / errors[1] < 5 and 3 < errors[1] / errors[2] < 5


def test_the_gap_narrows_with_progress_and_never_closes():
    model = build(q=2.0, n_stages=7.0)
    t = torch.tensor([0.01, 0.3, 0.7, 0.99], dtype=torch.float64)
    before = None
    for progress in (0.0, 0.25, 0.5, 0.75, 1.0):
        model.progress.fill_(progress)
        r = model.teacher_time(t)
        assert (r >= 0).all() and (r < t).all()
        assert before is None or ((r > before) | ((r == 0) & (before == 0))).all()
        before = r
    n = 1 + 8 * (1 - t)  # the sigmoid of -logit(t) is 1 - t
    torch.testing.assert_close(r, t * (1 - n / 2**8))
    model.progress.fill_(0.0)
    assert float(model.teacher_time(t)[0]) == 0


def test_the_teacher_gets_no_gradient_and_shares_image_and_noise():
    model, seen = build(), []
    net = model.net.forward
    model.net.forward = lambda x, t, r: seen.append((x, t, torch.is_grad_enabled())) or net(x, t, r)
    model.progress.fill_(1.0)
    x = torch.randn(4, *SHAPE)
    torch.manual_seed(1)
    model.loss(Batch(x, torch.zeros(4)))
    torch.manual_seed(1)
    eps = torch.randn_like(x)
    (x_r, r, taught), (x_t, t, learns) = seen
    assert learns and not taught and (r < t).all()
    torch.testing.assert_close(x_r, on_path(x, eps, r))
    torch.testing.assert_close(x_t, on_path(x, eps, t))


@pytest.mark.parametrize("progress", [0.0, 0.6, 1.0])
def test_loss_and_gradient_of_a_proportional_network_are_those_computed_by_hand(progress):
    """The gradient is that of the point at t alone, and every pair counts by 1 / (t - r)."""
    model = build().double()
    model.net = Proportional()
    model.progress.fill_(progress)
    batch = Batch(torch.randn(50, *SHAPE, dtype=torch.float64), torch.zeros(50))
    loss = model.loss(batch)
    (gradient,) = torch.autograd.grad(loss, model.net.a)
    (x_r, r, _), (x_t, t, _) = sorted(model.net.given, key=lambda given: float(given[1].sum()))
    c = inspect.getmodule(type(model)).HUBER * 8  # the root of 64 pixels
    between = (1 - 0.7 * over_image(t, x_t)) * x_t - (1 - 0.7 * over_image(r, x_r)) * x_r
    distance = (between.square().sum((1, 2, 3)) + c**2).sqrt()
    slope = -(over_image(t, x_t) * x_t * between).sum((1, 2, 3)) / distance
    torch.testing.assert_close(loss.detach(), ((distance - c) / (t - r)).mean())
    torch.testing.assert_close(gradient, (slope / (t - r)).mean())


def test_the_logits_of_the_times_have_the_mean_and_the_deviation_of_the_options():
    model = build(t_mean=-0.7, t_std=1.3)
    model.net = Proportional()
    model.loss(Batch(torch.zeros(20_000, 1, 1, 1), torch.zeros(20_000)))
    logit = torch.logit(max((t for _, t, _ in model.net.given), key=torch.sum))
    assert float(logit.mean()) == pytest.approx(-0.7, abs=0.05)  # the standard error is 0.01
    assert float(logit.std()) == pytest.approx(1.3, rel=0.03)


def test_both_points_of_a_pair_are_of_the_images_class():
    model = build(conditional=True)
    model.net = Proportional()
    label = torch.tensor([3, 1, 4, 1])
    model.loss(Batch(torch.randn(4, *SHAPE), label))
    assert [given.tolist() for _, _, given in model.net.given] == [label.tolist()] * 2


@pytest.mark.parametrize(("t", "r"), [(1.0, 0.5), (0.6, 0.2), (0.6, 0.0)])
def test_a_step_of_the_sampler_carries_the_gaussian_at_t_to_the_one_at_r(t, r):
    """Fresh noise: the correlation with the start of the step is that of the end of its path alone."""
    model, generator = build(), torch.Generator().manual_seed(0)
    model.net = TrueEnd()
    n, t, r = 20_000, torch.tensor(t), torch.tensor(r)
    z = (1 - t) * MEAN + spread(t) * torch.randn(n, 1, 1, 1, generator=generator)
    found = model.renoised(z, t.expand(n), r.expand(n), None, generator)
    assert float(found.mean()) == pytest.approx(float((1 - r) * MEAN), abs=0.03)
    assert float(found.std()) == pytest.approx(float(spread(r)), rel=0.03)
    correlation = float(torch.corrcoef(torch.stack([found.flatten(), z.flatten()]))[0, 1])
    assert correlation == pytest.approx(float((1 - r) * STD / spread(r)), abs=0.03)


def test_the_sampler_evaluates_at_equally_spaced_times_from_noise_on():
    model = build()
    model.net = Proportional()
    model.sample(5, 4, torch.Generator().manual_seed(0))
    assert [t.unique().tolist() for _, t, _ in model.net.given] == [[1.0], [0.75], [0.5], [0.25]]


def test_several_evaluations_add_noise_between_ends():
    model = build()
    model.net = TrueEnd()
    x = model.double().sample(4000, 3, torch.Generator().manual_seed(0))
    # Clamping to [-1, 1] changes mean 0.3 and sd 0.5 to 0.27 and 0.45; a chain that only moves back and forth would
    # keep the sd of one evaluation, but its samples would be those of one evaluation.
    one = model.sample(4000, 1, torch.Generator().manual_seed(0))
    assert float(x.std()) == pytest.approx(float(one.std()), rel=0.05) and not torch.allclose(x, one)


@pytest.mark.parametrize("option", [{"q": 1.0}, {"n_stages": -1.0}, {"batch_size": 0}])
def test_a_wrong_option_is_one_line_with_the_allowed_values(option):
    with pytest.raises(ValueError, match="allowed"):
        build(**option)
