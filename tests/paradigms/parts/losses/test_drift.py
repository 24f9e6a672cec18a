"""The drift: against a plain loop, anti-symmetric, zero for equal distributions, and what its loss does."""

import pytest
import torch

from paradigms.parts.losses import drift as drift_
from paradigms.parts.losses.drift import drift, drifting_loss

TEMPERATURES = (0.05, 0.2)


def samples(n: int, shift: float = 0.0, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + shift


def test_it_is_what_algorithm_2_says_sample_by_sample():
    g, y, temperature = samples(4), samples(5, 0.5, seed=1), 0.3
    others = torch.cat([g, y])
    distance = torch.tensor([[float((a - b).norm()) for b in others] for a in g], dtype=torch.float64)
    scale = distance.mean()
    for i in range(4):
        distance[i, i] = 1e9
    logit = -distance / (scale * temperature)
    affinity = (logit.softmax(1) * logit.softmax(0)).clamp(min=1e-6).sqrt()
    expected = torch.zeros_like(g)
    for i in range(4):
        for j in range(4):
            for k in range(5):
                expected[i] += affinity[i, j] * affinity[i, 4 + k] * (y[k] - g[j])
    torch.testing.assert_close(drift(g, y, g, temperature, own=True), expected, atol=1e-6, rtol=0)


def test_it_reverses_when_positives_and_negatives_are_exchanged_and_is_zero_where_they_are_the_same():
    x, a, b = samples(6), samples(8, 0.5, seed=1), samples(8, -0.5, seed=2)
    there, back = drift(x, a, b, 0.2, own=False), drift(x, b, a, 0.2, own=False)
    torch.testing.assert_close(there, -back, atol=1e-12, rtol=0)
    assert drift(x, a, a, 0.2, own=False).abs().max() < 1e-12


def one_sided(x, positives, negatives, temperature, own):
    """A planted fault: a drift that only attracts."""
    return drift(x, positives, x * 0 + positives.mean(0), temperature, own=False)


@pytest.mark.parametrize("planted", [False, True])
def test_samples_of_the_same_distribution_do_not_drift_on_average(planted):
    move = one_sided if planted else drift
    g, y = samples(400), samples(4000, seed=1)
    moved = move(g, y, g, 0.3, own=True)
    # The component along x - mean would widen or narrow the distribution; with 400 samples its sd is 0.05.
    narrowing = float((moved * g).sum() / (moved.norm() * g.norm()))
    assert (abs(narrowing) < 0.35) != planted


def test_samples_drift_towards_the_real_ones():
    g, y = samples(50), samples(80, 1.5, seed=1)
    assert (drift(g, y, g, 0.2, own=True).mean(0) > 0).all()


def test_the_gradient_of_the_loss_is_minus_the_drift_of_unit_size():
    g, y = samples(20).requires_grad_(), samples(30, 0.5, seed=1)
    loss = drifting_loss(g, y, (0.2,))
    (gradient,) = torch.autograd.grad(loss, g)
    moved = drift(g.detach(), y, g.detach(), 0.2, own=True)
    cosine = float((gradient * moved).sum() / (gradient.norm() * moved.norm()))
    assert cosine == pytest.approx(-1, abs=1e-9) and loss.item() == pytest.approx(1, abs=1e-6)


def test_every_temperature_has_the_same_weight():
    g, y = samples(20).requires_grad_(), samples(30, 0.5, seed=1)
    parts = [torch.autograd.grad(drifting_loss(g, y, (t,)), g)[0] for t in TEMPERATURES]
    (whole,) = torch.autograd.grad(drifting_loss(g, y, TEMPERATURES), g)
    torch.testing.assert_close(whole, sum(parts), atol=1e-12, rtol=0)


def test_no_gradient_passes_through_the_target():
    g, y = samples(10).requires_grad_(), samples(12, seed=1)
    (gradient,) = torch.autograd.grad(drifting_loss(g, y, (0.2,)), g)
    scale = torch.cat([drift_._distances(g, g), drift_._distances(g, y)], 1).mean().detach() / 3**0.5
    moved = drift(g.detach(), y, g.detach(), 0.2, own=True)
    expected = -2 * moved / moved.square().mean().sqrt() / scale / g.numel()
    torch.testing.assert_close(gradient, expected, atol=1e-9, rtol=0)


def test_samples_that_follow_their_drift_end_in_the_distribution_of_the_real_ones():
    y = torch.cat([samples(300, 2.0, seed=1), samples(300, -2.0, seed=2)])
    g = torch.nn.Parameter(0.3 * samples(200))
    optimizer = torch.optim.Adam([g], lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        drifting_loss(g, y, (0.05, 0.2)).backward()
        optimizer.step()
    upper = g.detach().mean(1) > 0
    assert 0.35 < float(upper.double().mean()) < 0.65  # samples are in both modes
    for mode, centre in ((upper, 2.0), (~upper, -2.0)):
        assert torch.allclose(g.detach()[mode].mean(0), torch.full((3,), centre, dtype=torch.float64), atol=0.5)
        assert 0.5 < float(g.detach()[mode].std(0).mean()) < 1.3  # the real modes have 1
