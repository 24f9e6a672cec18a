"""Gradients through the unrolled chain against finite differences, and what a shorter reach leaves out."""

import inspect

import pytest
import torch

from paradigms import load
from paradigms.base import Batch
from paradigms.parts.flow import samplers


def small(**options):
    torch.manual_seed(0)
    paradigm = load("unrolled")((1, 2, 2), 2, backbone="mlp", width=8, **options).double()
    for parameter in paradigm.net.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    paradigm.observe(torch.randn(12, 1, 2, 2, dtype=torch.float64), torch.zeros(12))
    return paradigm


@pytest.mark.parametrize("loss", ["mmd", "energy"])
@pytest.mark.parametrize("cached_rows", [None, 4])
def test_gradient_through_all_steps_equals_finite_differences(loss, cached_rows):
    paradigm = small(k=4, loss=loss, scales=(0.5, 1.0) if loss == "mmd" else None, cached_rows=cached_rows)
    batch = Batch(torch.empty(6, 1, 2, 2, dtype=torch.float64), torch.zeros(6))
    weight, h = paradigm.net.enter.weight, 1e-5

    def value():
        torch.manual_seed(1)
        return paradigm.loss(batch)

    (gradient,) = torch.autograd.grad(value(), weight)
    for index in [(0, 0), (3, 1), (7, 3)]:
        with torch.no_grad():
            weight[index] += h
            above = float(value())
            weight[index] -= 2 * h
            below = float(value())
            weight[index] += h
        assert float(gradient[index]) == pytest.approx((above - below) / (2 * h), abs=1e-8)


def test_the_chain_is_the_euler_sampler():
    paradigm = small(k=4)
    eps = torch.randn(3, 1, 2, 2, dtype=torch.float64)
    assert torch.equal(paradigm.chain(eps), samplers.euler(paradigm.net, eps, 4))


@pytest.mark.parametrize("reach", [1, 2, 4])
def test_only_the_last_reach_steps_pass_gradient(reach):
    """Scaling each step's output by its own parameter shows which steps the loss's gradient arrives at."""
    paradigm = small(k=4, reach=reach)
    gains, net, calls = torch.ones(4, dtype=torch.float64, requires_grad=True), paradigm.net, []

    class Tagged(torch.nn.Module):
        def forward(self, x, t, r, label=None):
            calls.append(float(t[0]))
            return gains[len(calls) - 1] * net(x, t, r)

    paradigm.net = Tagged()
    paradigm.loss(Batch(torch.empty(6, 1, 2, 2, dtype=torch.float64), torch.zeros(6))).backward()
    assert calls == [1.0, 0.75, 0.5, 0.25]
    assert (gains.grad != 0).tolist() == [step >= 4 - reach for step in range(4)]


def test_drawn_steps_alone_get_gradient_and_every_step_has_its_turn():
    paradigm, seen = small(k=4, reach=1, reached="drawn"), set()
    net = paradigm.net
    for seed in range(20):
        gains, calls = torch.ones(4, dtype=torch.float64, requires_grad=True), []

        class Tagged(torch.nn.Module):
            def forward(self, x, t, r, gains=gains, calls=calls):
                calls.append(float(t[0]))
                return gains[len(calls) - 1] * net(x, t, r)

        paradigm.net = Tagged()
        torch.manual_seed(seed)
        paradigm.loss(Batch(torch.empty(6, 1, 2, 2, dtype=torch.float64), torch.zeros(6))).backward()
        (step,) = gains.grad.nonzero().flatten().tolist()
        seen.add(step)
    assert seen == {0, 1, 2, 3}


@pytest.mark.parametrize("loss", ["mmd", "energy", "drifting"])
def test_cached_gradients_are_those_of_the_whole_batch(loss):
    gradients = []
    for cached_rows in (None, 3):
        paradigm = small(k=2, loss=loss, cached_rows=cached_rows)
        torch.manual_seed(1)
        paradigm.loss(Batch(torch.empty(8, 1, 2, 2, dtype=torch.float64), torch.zeros(8))).backward()
        gradients.append(torch.cat([p.grad.flatten() for p in paradigm.net.parameters()]))
    torch.testing.assert_close(*gradients, atol=1e-12, rtol=0)


def test_an_update_compares_with_a_draw_of_the_real_images_where_they_are_many(monkeypatch):
    paradigm, seen = small(loss="energy"), []
    monkeypatch.setattr(inspect.getmodule(type(paradigm)), "N_REAL", 5)
    monkeypatch.setattr(paradigm, "distance", lambda g, real: seen.append(len(real)) or g.sum())
    paradigm.loss(Batch(torch.empty(6, 1, 2, 2, dtype=torch.float64), torch.zeros(6)))
    assert seen == [5]


@pytest.mark.parametrize("k", [1, 4])
def test_a_chain_of_predicted_images_ends_at_the_last_one(k):
    paradigm = small(k=k, prediction="image")
    predicted = []
    paradigm.net.net.register_forward_hook(lambda module, given, found: predicted.append(found))
    torch.testing.assert_close(paradigm.chain(torch.randn(5, 1, 2, 2, dtype=torch.float64)), predicted[-1])
    assert len(predicted) == k


@pytest.mark.parametrize(
    "option",
    [
        {"k": 3},
        {"k": 2, "reach": 3},
        {"loss": "l2"},
        {"reached": "first"},
        {"space": "codes"},
        {"prediction": "noise"},
    ],
)
def test_a_wrong_option_is_one_line_with_the_allowed_values(option):
    with pytest.raises(ValueError, match="allowed"):
        small(**option)
