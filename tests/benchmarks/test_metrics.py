"""The metrics against closed forms, plain loops and their own definitions."""

import numpy as np
import pytest
import scipy.linalg
import torch

from benchmarks.data import Dataset, Split
from benchmarks.metrics import Scorer, accuracy, nearest, to_float, to_uint8
from benchmarks.metrics.frechet import frechet_distance
from benchmarks.metrics.kernel import kernel_distance
from benchmarks.metrics.memorisation import nearest_distance


class MeanPixels(torch.nn.Module):
    """Features of a 2x2 image are its pixels."""

    name, hash, num_features = "pixels", "0123456789abcdef", 4

    def forward(self, images):
        return images.flatten(1).double()


def gaussian(n: int, mean: np.ndarray, root: np.ndarray, seed: int) -> torch.Tensor:
    """n rows whose sample mean and sample covariance are exactly `mean` and root @ root.T."""
    z = np.random.RandomState(seed).randn(n, len(mean))
    z -= z.mean(0)
    z = z @ np.linalg.inv(np.linalg.cholesky(np.cov(z.T))).T
    return torch.from_numpy(z @ root.T + mean)


def images(n: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(seed).randint(0, 256, (n, 1, 2, 2)).astype(np.uint8))


@pytest.fixture
def dataset() -> Dataset:
    splits = [Split(images(n, seed).numpy(), np.zeros(n, np.int64)) for seed, n in enumerate([300, 20, 200])]
    return Dataset("noise", (1, 2, 2), 1, *splits)


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


def test_frechet_distance_keeps_float64_far_from_the_origin():
    # Around 1e4 float32 resolves 1e-3 of these deviations; raw second moments in float64 keep eight digits.
    x, y = gaussian(100, np.full(4, 1e4), np.eye(4), 0), gaussian(100, np.full(4, 1e4), 2 * np.eye(4), 1)
    assert frechet_distance(x, y) == pytest.approx(4.0, rel=1e-6)


def test_kernel_distance_of_whole_sets_is_the_unbiased_double_loop():
    x, y = (torch.from_numpy(np.random.RandomState(seed).randn(12, 5)) for seed in (0, 1))

    def kernel(a, b):
        return (float(a @ b) / 5 + 1) ** 3

    within = sum(kernel(z[i], z[j]) for z in (x, y) for i in range(12) for j in range(12) if i != j) / (12 * 11)
    across = sum(kernel(a, b) for a in x for b in y) / 12**2
    assert kernel_distance(x, y) == pytest.approx(within - 2 * across, rel=1e-9)  # summation order only


def test_kernel_distance_of_equal_laws_is_near_zero_of_either_sign_and_of_others_is_not():
    draws = [
        kernel_distance(*(torch.from_numpy(rng.randn(200, 4)) for _ in range(2)), subsets=20, subset_size=100)
        for rng in map(np.random.RandomState, range(12))
    ]
    # The mean of 12 lies within 4 standard errors of 0 for an unbiased estimate; a biased one would be all positive.
    assert abs(np.mean(draws)) < 4 * np.std(draws) / np.sqrt(12) and min(draws) < 0 < max(draws)
    shifted = torch.from_numpy(np.random.RandomState(0).randn(200, 4)) + 1
    assert kernel_distance(shifted, torch.from_numpy(np.random.RandomState(1).randn(200, 4))) > 10 * max(draws)


def test_kernel_distance_repeats_and_leaves_the_generator_alone():
    x, y = (torch.from_numpy(np.random.RandomState(seed).randn(50, 3)) for seed in (0, 1))
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = kernel_distance(x, y, subset_size=20)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    assert kernel_distance(x, y, subset_size=20) == first


def test_nearest_is_the_brute_force_answer_and_copies_have_distance_zero():
    train, queries = images(70, 0), images(30, 1)
    plain = (queries.double().flatten(1)[:, None] - train.double().flatten(1)[None]).norm(dim=2)
    assert torch.equal(nearest(queries, train, chunk=7), plain.argmin(1))
    assert nearest_distance(queries, train) == pytest.approx(float(plain.min(1).values.mean()), rel=1e-12)
    assert nearest_distance(train[5:20], train) == 0


def test_to_uint8_undoes_to_float_and_rounds_and_clamps():
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_float(every)), every)
    assert to_float(every).aminmax() == (-1, 1)
    assert to_uint8(torch.tensor([-9.0, 9.0, 0.6 / 127.5 - 1, 0.4 / 127.5 - 1])).tolist() == [0, 255, 1, 0]


def test_the_floor_is_as_many_training_images_against_the_test_split(dataset):
    test = torch.from_numpy(dataset.test.images).flatten(1).double()
    train = torch.from_numpy(dataset.train.images).flatten(1).double()
    assert Scorer(dataset, MeanPixels(), 300).floor == pytest.approx(frechet_distance(train, test), rel=1e-9)
    assert Scorer(dataset, MeanPixels(), 900).floor == Scorer(dataset, MeanPixels(), 300).floor
    fewer = Scorer(dataset, MeanPixels(), 50)
    assert fewer.floor == Scorer(dataset, MeanPixels(), 50).floor > Scorer(dataset, MeanPixels(), 300).floor


def test_training_images_handed_back_score_ratio_one_and_are_seen_as_copies(dataset):
    scores = Scorer(dataset, MeanPixels(), 300).score(torch.from_numpy(dataset.train.images))
    assert scores["fid_ratio"] == pytest.approx(1, rel=1e-9) and scores["memorisation_ratio"] == 0
    assert scores["fid"] == scores["fid_floor"] and scores["n_samples"] == 300
    assert scores["fid_extractor"] == "pixels-01234567"


def test_new_images_of_the_same_law_are_not_seen_as_copies(dataset):
    scorer = Scorer(dataset, MeanPixels(), 300)
    # 300 nearest distances vary by about a third around their mean: 0.1 is four standard errors.
    assert scorer.score(images(300, 9))["memorisation_ratio"] == pytest.approx(1, abs=0.1)
    assert scorer.score(0 * images(300, 9))["fid_ratio"] > 100


def test_the_cheap_score_is_part_of_the_whole_and_other_counts_are_refused(dataset):
    scorer, fresh = Scorer(dataset, MeanPixels(), 300), images(300, 9)
    whole = scorer.score(fresh)
    assert scorer.fid(fresh) == {key: whole[key] for key in ("fid", "fid_ratio")}
    with pytest.raises(ValueError, match="300 images, not for 299"):
        scorer.fid(fresh[:299])


def test_accuracy_counts_the_largest_logit_over_batches_of_any_size():
    class Brightest:
        device = torch.device("cpu")

        def logits(self, x):
            assert x.min() >= -1 and x.max() <= 1
            return x.flatten(1)

    labels = images(10, 0).flatten(1).argmax(1)
    labels[:3] = (labels[:3] + 1) % 4
    assert accuracy(Brightest(), images(10, 0), labels, batch=4) == 0.7
