"""Precision, recall, density and coverage against loops that read as the papers' definitions."""

import numpy as np
import pytest
import torch

from benchmarks.score.metrics import manifold
from benchmarks.score.metrics.manifold import Balls, manifold_scores


def points(n: int, seed: int, shift: float = 0.0, scale: float = 1.0) -> torch.Tensor:
    return torch.from_numpy(scale * np.random.RandomState(seed).randn(n, 3) + shift)


def scores(samples: torch.Tensor, real: torch.Tensor, k: int = 5) -> dict[str, float]:
    return manifold_scores(Balls(samples, k), Balls(real, k))


def brute_force(samples, real, k: int) -> dict[str, float]:
    def radius(z, i):
        return sorted(np.linalg.norm(z[i] - z[j]) for j in range(len(z)) if j != i)[k - 1]

    samples, real = samples.numpy(), real.numpy()
    own = [radius(samples, j) for j in range(len(samples))]
    balls = [radius(real, i) for i in range(len(real))]
    hold = [[np.linalg.norm(x - y) < r for y, r in zip(real, balls, strict=True)] for x in samples]
    return {
        "precision": np.mean([any(row) for row in hold]),
        "recall": np.mean([any(np.linalg.norm(x - y) < r for x, r in zip(samples, own, strict=True)) for y in real]),
        "density": sum(map(sum, hold)) / (k * len(samples)),
        "coverage": np.mean([any(column) for column in zip(*hold, strict=True)]),
    }


@pytest.mark.parametrize("k", [1, 5])
def test_all_four_metrics_equal_brute_force_at_any_chunk_size(monkeypatch, k):
    samples, real = points(40, 0, shift=0.5, scale=0.7), points(30, 1)
    expected = brute_force(samples, real, k)
    assert len(set(expected.values())) == 4
    assert scores(samples, real, k) == pytest.approx(expected, rel=1e-12)
    monkeypatch.setattr(manifold, "CHUNK", 7)
    assert scores(samples, real, k) == pytest.approx(expected, rel=1e-12)


def test_equal_distributions_have_the_theoretical_density_and_coverage():
    found = [scores(points(200, 2 * s), points(200, 2 * s + 1)) for s in range(10)]
    # Naeem et al., section 3.4: density 1 and, for equal counts, coverage 1 - 1/2^k up to 1/n.
    assert np.mean([one["density"] for one in found]) == pytest.approx(1, abs=0.03)
    assert np.mean([one["coverage"] for one in found]) == pytest.approx(1 - 2**-5, abs=0.01)


def test_each_of_the_four_metrics_falls_for_its_own_failure():
    real = points(300, 0)
    narrow, wide = scores(points(300, 1, scale=0.2), real), scores(points(300, 2, scale=5), real)
    assert narrow["precision"] > 0.95 and narrow["recall"] < 0.2 and narrow["coverage"] < 0.6
    assert wide["precision"] < 0.3 and wide["recall"] > 0.9 and wide["density"] < 0.3


def test_fewer_points_than_neighbours_lower_k():
    assert Balls(points(3, 0)).k == 2
