"""The metrics against closed forms, plain loops and their own definitions."""

import numpy as np
import pytest
import scipy.linalg
import torch
from torchmetrics.image.kid import KernelInceptionDistance

from benchmarks.data.pixels import to_float, to_uint8
from benchmarks.score.metrics import nearest
from benchmarks.score.metrics.frechet import frechet_bias, frechet_distance
from benchmarks.score.metrics.kernel import kernel_distance
from benchmarks.score.metrics.memorisation import memorisation, nearest_distances


def gaussian(n: int, mean: np.ndarray, root: np.ndarray, seed: int) -> torch.Tensor:
    """n rows whose sample mean and sample covariance are exactly `mean` and root @ root.T."""
    z = np.random.RandomState(seed).randn(n, len(mean))
    z -= z.mean(0)
    z = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T))).T
    return torch.from_numpy(z @ root.T + mean)


def images(n: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(seed).randint(0, 256, (n, 1, 2, 2)).astype(np.uint8))


def test_frechet_distance_of_two_commuting_gaussians_is_the_closed_form():
    mean, a, b = np.array([1.0, -2.0, 0.5]), np.array([1.0, 2.0, 3.0]), np.array([2.0, 0.5, 3.0])
    found = frechet_distance(gaussian(50, mean, np.diag(a), 0), gaussian(40, 0 * mean, np.diag(b), 1))
    assert found == pytest.approx((mean**2).sum() + ((a - b) ** 2).sum(), rel=1e-9)  # float64 and a 3x3 spectrum


def test_frechet_distance_agrees_with_scipys_square_root_of_a_matrix():
    rng = np.random.RandomState(3)
    x, y = rng.randn(200, 16) @ rng.randn(16, 16), rng.randn(150, 16) @ rng.randn(16, 16) + 1
    a, b = np.cov(x.T), np.cov(y.T)
    root = scipy.linalg.sqrtm(a @ b).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * root)
    assert frechet_distance(torch.from_numpy(x), torch.from_numpy(y)) == pytest.approx(expected, rel=1e-8)


def test_frechet_distance_agrees_with_torch_fidelity_fed_with_the_same_features():
    metric_fid = pytest.importorskip("torch_fidelity.metric_fid", reason="torch-fidelity, an extra, is not installed")
    rng = np.random.RandomState(5)
    x, y = (torch.from_numpy(rng.randn(n, 16) @ rng.randn(16, 16)) for n in (200, 150))
    both = (metric_fid.fid_features_to_statistics(features) for features in (x, y))
    (expected,) = metric_fid.fid_statistics_to_metric(*both, verbose=False).values()
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-8)


def test_the_bias_of_the_frechet_distance_is_its_mean_over_equal_distributions():
    rng, n, m = np.random.RandomState(6), 400, 300
    root = np.diag(np.linspace(0.2, 2, 12)) @ np.linalg.qr(rng.randn(12, 12))[0]
    draws = [frechet_distance(*(torch.from_numpy(rng.randn(size, 12) @ root) for size in (n, m))) for _ in range(240)]
    bias = frechet_bias(torch.from_numpy(rng.randn(20_000, 12) @ root), n, m)
    # First order in 1/n: 1 % here. The mean of 240 draws is known to 1.5 %: 8 % is 5 standard errors.
    assert np.std(draws) / np.sqrt(240) < 0.016 * bias and bias == pytest.approx(np.mean(draws), rel=0.08)


def test_constant_features_add_nothing_to_the_bias():
    x = torch.from_numpy(np.random.RandomState(0).randn(50, 3))
    dead = torch.cat([x, torch.zeros(50, 2, dtype=x.dtype)], dim=1)
    assert frechet_bias(dead, 20, 30) == pytest.approx(frechet_bias(x, 20, 30), rel=1e-12)


def test_frechet_distance_keeps_float64_far_from_the_origin():
    # Around 1e4 float32 resolves 1e-3 of these deviations; raw second moments in float64 keep eight digits.
    x, y = gaussian(100, np.full(4, 1e4), np.eye(4), 0), gaussian(100, np.full(4, 1e4), 2 * np.eye(4), 1)
    assert frechet_distance(x, y) == pytest.approx(4.0, rel=1e-6)


def random_features(n: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(seed).randn(n, 5))


def double_loop(x, y) -> float:
    """The unbiased MMD^2, as its definition reads."""

    def kernel(a, b):
        return (float(a @ b) / len(a) + 1) ** 3

    within = [
        sum(kernel(z[i], z[j]) for i in range(len(z)) for j in range(len(z)) if i != j) / (len(z) * (len(z) - 1))
        for z in (x, y)
    ]
    across = sum(kernel(a, b) for a in x for b in y) / (len(x) * len(y))
    return sum(within) - 2 * across


def test_kernel_distance_is_the_unbiased_double_loop_at_any_chunk(monkeypatch):
    x, y = random_features(12, 0), random_features(9, 1)
    assert kernel_distance(x, y)[0] == pytest.approx(double_loop(x, y), rel=1e-9)  # summation order only
    whole = kernel_distance(x, y)
    monkeypatch.setattr("benchmarks.score.metrics.kernel.CHUNK", 5)
    assert kernel_distance(x, y) == pytest.approx(whole, rel=1e-12)


@pytest.mark.filterwarnings("ignore:Metric `Kernel Inception Distance`")
def test_kernel_distance_equals_torchmetrics_with_one_subset_of_all_rows():
    x, y = random_features(40, 0), random_features(40, 1) + 0.5
    metric = KernelInceptionDistance(feature=torch.nn.Identity(), subsets=1, subset_size=40)
    metric.update(y, real=True)
    metric.update(x, real=False)
    assert kernel_distance(x, y)[0] == pytest.approx(float(metric.compute()[0]), rel=1e-9)


def test_the_error_of_the_kernel_distance_is_the_jackknife_of_the_double_loop():
    x, y = random_features(7, 0), random_features(5, 1) + 1
    without = [np.delete(np.arange(len(z)), i) for z in (x, y) for i in range(len(z))]
    left = [double_loop(x[keep], y) for keep in without[:7]], [double_loop(x, y[keep]) for keep in without[7:]]
    expected = np.sqrt(sum((len(values) - 1) * np.var(values) for values in left))
    assert kernel_distance(x, y)[1] == pytest.approx(expected, rel=1e-9)
    assert kernel_distance(x[:2], y)[1] is None


def test_the_error_of_the_kernel_distance_is_its_spread_over_draws():
    found = [kernel_distance(random_features(80, 2 * k), random_features(60, 2 * k + 1) + 0.7) for k in range(150)]
    values, errors = np.array(found).T
    # The spread of 150 draws is known to 6 %; the jackknife of a skewed kernel is a little too large.
    assert errors.mean() == pytest.approx(values.std(), rel=0.2)


def test_kernel_distance_is_near_zero_with_either_sign_for_equal_distributions_only():
    draws = [kernel_distance(random_features(100, k), random_features(100, 50 + k))[0] for k in range(12)]
    # The mean of 12 lies within 4 standard errors of 0 for an unbiased estimate; a biased one would be all positive.
    assert abs(np.mean(draws)) < 4 * np.std(draws) / np.sqrt(12) and min(draws) < 0 < max(draws)
    assert kernel_distance(random_features(100, 0) + 1, random_features(100, 1))[0] > 10 * max(draws)


def test_nearest_equals_brute_force_and_copies_have_distance_zero():
    train, queries = images(70, 0), images(30, 1)
    plain = (queries.double().flatten(1)[:, None] - train.double().flatten(1)[None]).norm(dim=2)
    assert torch.equal(nearest(queries, train, chunk=7), plain.argmin(1))
    assert torch.allclose(nearest_distances(queries, train), plain.min(1).values, rtol=1e-12)
    assert (nearest_distances(train[5:20], train) == 0).all()


def test_memorisation_counts_samples_closer_than_the_median_of_held_out_images():
    held_out = torch.tensor([1.0, 2.0, 3.0, 10.0, 4.0], dtype=torch.float64)
    found = memorisation(torch.tensor([0.0, 2.9, 3.0, 8.0], dtype=torch.float64), held_out)
    assert found == {"memorisation": 0.5, "memorisation_ratio": pytest.approx(13.9 / 4 / 4)}


def test_to_uint8_undoes_to_float_and_rounds_and_clamps():
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_float(every)), every)
    assert to_float(every).aminmax() == (-1, 1)
    assert to_uint8(torch.tensor([-9.0, 9.0, 0.6 / 127.5 - 1, 0.4 / 127.5 - 1])).tolist() == [0, 255, 1, 0]
