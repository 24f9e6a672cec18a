"""The third view: a network that was never trained and is the same everywhere, whose distance sees planted faults."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from benchmarks import data
from benchmarks.score.extractors import cache
from benchmarks.score.floors import cached
from benchmarks.score.metrics import Scorer, random_features
from benchmarks.score.metrics.frechet import frechet_distance
from benchmarks.score.metrics.random_features import RandomFeatures
from benchmarks.score.scored_samples import ScoredSamples


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")


@pytest.fixture(scope="module")
def scorer(digits):
    return Scorer(digits, cache.load_all(digits), len(digits.train))


@pytest.fixture(scope="module")
def ratio(scorer):
    def measure(images) -> float:
        samples = ScoredSamples(images.round().clamp(0, 255).byte(), None, scorer.real)
        return random_features.compute(samples)["fid3_ratio"]

    return measure


@pytest.fixture(scope="module")
def drawn(digits):
    """As many training images as a perfect sampler would draw, as floats."""
    rows = np.random.RandomState(3).randint(len(digits.train), size=len(digits.train))
    return torch.from_numpy(digits.train.images[rows]).float()


def test_a_perfect_sampler_scores_one_on_average(digits, ratio):
    draws = [np.random.RandomState(seed).randint(len(digits.train), size=len(digits.train)) for seed in range(20)]
    found = [ratio(torch.from_numpy(digits.train.images[rows]).float()) for rows in draws]
    assert np.mean(found) == pytest.approx(1, abs=4 * np.std(found) / 20**0.5) and np.std(found) < 0.15


BLUR = torch.tensor([[1.0, 2, 1], [2, 4, 2], [1, 2, 1]])[None, None] / 16
FAULTS = {
    "blurred": lambda x: F.conv2d(F.pad(x, [1] * 4, mode="replicate"), BLUR),
    "a little blurred": lambda x: x / 2 + F.conv2d(F.pad(x, [1] * 4, mode="replicate"), BLUR) / 2,
    "shifted by a pixel": lambda x: x.roll(1, 3),
    "mixed in pairs": lambda x: (x + x.roll(1, 0)) / 2,
    "fifty images over and over": lambda x: x[torch.arange(len(x)) % 50],
    "flat": lambda x: 0.9 * x + 12,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_has_at_least_four_floors(ratio, drawn, fault):
    assert ratio(FAULTS[fault](drawn)) > 4


def test_the_features_are_those_of_a_fixed_network_and_leave_the_global_generators_alone(digits):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    one, other = (RandomFeatures(digits.shape).eval() for _ in range(2))
    assert torch.equal(before[0], torch.get_rng_state()) and np.array_equal(before[1], np.random.get_state()[1])
    images = torch.from_numpy(digits.test.images[:20])
    assert one.hash == other.hash and torch.equal(one(images), other(images))
    assert not list(one.parameters())
    # Written out once, so that a change of the weights, which makes records incomparable, does not go unseen.
    assert one(images)[0, :3].tolist() == pytest.approx([0.40523, -0.19014, 0.93596], rel=1e-4)


def test_two_seeds_are_two_networks_that_agree_on_what_is_worse(digits, drawn, monkeypatch):
    test = torch.from_numpy(digits.test.images)
    faults = [FAULTS[name](drawn).round().clamp(0, 255).byte() for name in ("blurred", "a little blurred")]
    hashes = set()
    for seed in (0, 1):
        monkeypatch.setattr(random_features, "SEED", seed)
        network = RandomFeatures(digits.shape).eval()
        worse, better = (frechet_distance(network(images), network(test)) for images in faults)
        assert worse > 2 * better
        hashes.add(network.hash)
    assert len(hashes) == 2


@pytest.mark.parametrize("shape", [(1, 2, 2), (1, 28, 28), (3, 32, 32)])
def test_it_takes_the_images_of_every_data_set(shape):
    network = RandomFeatures(shape).eval()
    found = network(torch.zeros(3, *shape, dtype=torch.uint8))
    assert found.shape == (3, random_features.N_FEATURES) and found.dtype == torch.float64


def test_the_floors_are_kept_beside_the_scoring_networks(scorer, drawn, digits):
    scores = scorer.score(drawn.byte())
    assert scores["fid3_ratio"] == scores["fid3"] / scores["fid3_floor"] and scores["fid3_floor_se"] > 0
    network = RandomFeatures(digits.shape, scorer.real.by_extractor[0].extractor.folder)
    assert cached(network, digits.hash, len(digits.train))
