"""MMD and energy distance against a plain double loop, and their unbiasedness."""

import pytest
import torch

from paradigms.parts.losses import distances

LENGTHS = torch.tensor([0.4, 1.5], dtype=torch.float64)
WEIGHTS = torch.tensor([3.0, 0.5], dtype=torch.float64)


def double_loop(kernel, g, y):
    """-2 E k(g, y) + E k(g, g'), pair by pair, a sample never with itself."""
    n, m = len(g), len(y)
    inner = sum(kernel(g[i], g[j]) for i in range(n) for j in range(n) if i != j) / (n * (n - 1))
    between = sum(kernel(g[i], y[j]) for i in range(n) for j in range(m)) / (n * m)
    return inner - 2 * between


def samples(n, shift=0.0):
    return torch.randn(n, 3, dtype=torch.float64) + shift


def test_mmd_equals_a_double_loop():
    torch.manual_seed(0)
    g, y = samples(7), samples(9, 0.5)

    def kernel(a, b):
        return (WEIGHTS * torch.exp(-(a - b).norm() / LENGTHS)).mean()

    expected = float(double_loop(kernel, g, y))
    assert float(distances.mmd(g, y, LENGTHS, WEIGHTS)) == pytest.approx(expected, abs=1e-9)  # EPSILON under the root


def test_energy_distance_equals_a_double_loop():
    torch.manual_seed(0)
    g, y = samples(7), samples(9, 0.5)
    expected = double_loop(lambda a, b: -(a - b).norm(), g, y)
    assert float(distances.energy_distance(g, y)) == pytest.approx(float(expected), abs=1e-5)  # EPSILON under the root


@pytest.mark.parametrize("n", [4, 16])
def test_both_are_unbiased_at_any_batch_size(n):
    """Equal distributions: the mean over batches is minus the real-real term; a biased statistic misses it by 1/n."""
    torch.manual_seed(0)
    y = samples(2000)
    weights = distances.kernel_weights(y, LENGTHS)
    real_real = distances._off_diagonal_mean(torch.cdist(y, y))
    batches = [samples(n) for _ in range(1000)]
    for values, expected, self_term in (
        ([distances.mmd(g, y, LENGTHS, weights) for g in batches], -1.0, float(weights.mean())),
        ([distances.energy_distance(g, y) for g in batches], float(real_real), float(real_real)),
    ):
        mean, standard_error = float(torch.stack(values).mean()), float(torch.stack(values).std()) / len(values) ** 0.5
        assert abs(mean - expected) < 4 * standard_error
        assert 8 * standard_error < self_term / n  # the test would see the bias of a V-statistic


def test_both_grow_with_the_distance_of_the_distributions():
    torch.manual_seed(0)
    y, near, far = samples(500), samples(500), samples(500, 1.0)
    weights = distances.kernel_weights(y, LENGTHS)
    assert distances.mmd(far, y, LENGTHS, weights) > distances.mmd(near, y, LENGTHS, weights)
    assert distances.energy_distance(far, y) > distances.energy_distance(near, y)


def test_the_median_distance_is_that_of_pairs_and_not_of_rows_with_themselves():
    y = torch.tensor([[0.0], [1.0], [3.0]])
    assert float(distances.median_distance(y)) == pytest.approx(2.0)


def test_gradient_is_finite_where_samples_coincide():
    g = torch.zeros(4, 3, requires_grad=True)
    distances.energy_distance(g, torch.zeros(5, 3)).backward()
    assert torch.isfinite(g.grad).all()
