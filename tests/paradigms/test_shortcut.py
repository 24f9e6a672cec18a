"""The shortcut's self-consistency on a Gaussian, whose average velocity is known in closed form."""

import pytest
import torch

from benchmarks.fit import Fit
from paradigms import load
from paradigms.base import Batch
from paradigms.parts.flow.flow import Rows, flow_matching_loss
from paradigms.shortcut import two_halves
from tests.paradigms.test_meanflow import average_velocity

SHAPE = (1, 2, 2)


def shortcut(**options):
    torch.manual_seed(0)
    return load("shortcut")(SHAPE, 2, **{"backbone": "mlp", "width": 32, **options})


def steps(n=200):
    torch.manual_seed(0)
    t, d = shortcut().draw_steps(torch.zeros(n, 1, dtype=torch.float64))
    return torch.randn(n, 1, 1, 1, dtype=torch.float64), t, d


def field(x_t, t, r):
    return average_velocity(x_t, t, r)


def test_two_halves_of_the_true_average_velocity_are_the_whole_step():
    x_t, t, d = steps()
    whole = average_velocity(x_t, t, t - 2 * d)
    torch.testing.assert_close(two_halves(field, x_t, t, d), whole, atol=1e-10, rtol=0)


@pytest.mark.parametrize("wrong", ["stays", "whole steps", "first half twice"])
def test_each_wrong_half_misses_it(wrong):
    x_t, t, d = steps()
    mistakes = {
        "stays": lambda x, s, r: average_velocity(x_t, s, r),
        "whole steps": lambda x, s, r: average_velocity(x, s, s - 2 * (s - r)) if (s == t).all() else field(x, s, r),
        "first half twice": lambda x, s, r: average_velocity(x_t, t, t - d),
    }
    found = two_halves(mistakes[wrong], x_t, t, d)
    assert (found - average_velocity(x_t, t, t - 2 * d)).abs().max() > 0.01


def test_steps_lie_on_their_own_grid_and_land_between_data_and_noise():
    _, t, d = steps(2000)
    assert (t > 0).all() and (t <= 1).all() and (t - 2 * d >= 0).all()
    torch.testing.assert_close((t / (2 * d)).round(), t / (2 * d))
    assert sorted(set(d.tolist())) == [0.5**k for k in (5, 4, 3, 2, 1)]
    longest = d == 0.5
    assert (t[longest] == 1).all() and 0.15 < float(longest.double().mean()) < 0.25


def test_the_target_of_a_long_step_gets_no_gradient():
    x_t, t, d = steps(4)
    gain = torch.ones((), dtype=torch.float64, requires_grad=True)
    assert not two_halves(lambda x, s, r: gain * field(x, s, r), x_t, t, d).requires_grad


def test_the_shortest_halves_are_taken_with_the_velocity_which_flow_matching_trains():
    """Every longer step rests on them; at times on the grid and at those that sampling's rounding gives."""
    model, asked = shortcut().double(), []
    model.net.forward = lambda x, t, r: asked.append((t, r)) or torch.zeros_like(x)
    for n_steps, anchored in ((8, False), (16, False), (32, True), (64, True)):
        asked.clear()
        model.sample(3, n_steps, torch.Generator().manual_seed(0), "jump")
        assert [torch.equal(t, r) for t, r in asked] == [anchored] * n_steps


def test_jumps_are_allowed_on_the_grid_that_was_trained():
    model = shortcut()
    assert [nfe for nfe in range(1, 20) if model.allows(nfe, "jump")] == [1, 2, 4, 8, 16]
    assert model.allows(3, "euler") and not model.allows(0, "jump")


def test_a_loss_that_rests_on_untrained_short_steps_is_noticed(monkeypatch):
    """A network that is right at r = t and on steps of 1/16 or more, and wrong between: the loss must not ask there."""
    model = shortcut(consistent_share=0.5)
    x, label, asked = torch.randn(256, *SHAPE), torch.zeros(256, dtype=torch.int64), []
    model.observe(x, label)
    net = type(model.net).forward
    monkeypatch.setattr(type(model.net), "forward", lambda self, x, t, r: asked.append(t - r) or net(self, x, t, r))
    torch.manual_seed(0)
    model.loss(Batch(x, label))
    lengths = torch.cat(asked)
    assert ((lengths == 0) | (lengths > 0.06)).all() and (lengths > 0.06).any()


def test_without_consistent_rows_it_is_flow_matching():
    model = shortcut(consistent_share=0.0)
    x, label = torch.randn(16, *SHAPE), torch.zeros(16, dtype=torch.int64)
    model.observe(x, label)
    torch.nn.init.normal_(model.net.leave.weight, std=0.1)
    losses = []
    for loss in (
        lambda: model.loss(Batch(x, label)),
        lambda: flow_matching_loss(
            model.net, Batch(x, label), Rows(x.flatten(1)), velocity="marginal", mean=-0.4, std=1
        ),
    ):
        torch.manual_seed(1)
        losses.append(loss())
    torch.testing.assert_close(*losses)


def test_one_step_learns_what_it_cannot_without_consistency():
    """Two kinds of images: one step of a pure flow ends between them, one that learnt from its halves ends on them."""
    label = torch.arange(200) % 2
    x = (1.0 * label[:, None, None, None] - 0.5).expand(-1, *SHAPE).contiguous()
    distances = []
    for share in (0.0, 0.4):
        model = shortcut(consistent_share=share, lr_adam=5e-3)
        model.observe(x, label)
        Fit(model, x, label, [800])()
        drawn = model.eval().sample(400, 1, torch.Generator().manual_seed(0)).mean((1, 2, 3))
        distances.append(float(drawn.abs().sub(0.5).abs().median()))
    assert distances[0] > 0.3 and distances[1] < 0.15


@pytest.mark.parametrize("options", [{"consistent_share": 1.0}, {"batch_size": 0}])
def test_wrong_options_raise_one_line_that_names_them(options):
    with pytest.raises(ValueError, match=f"^{next(iter(options))} = .*allowed: [^\n]*$"):
        shortcut(**options)
