"""Energy distance and the classifier on two sets of states, against plain code and closed forms."""

import math

import pytest
import torch

from benchmarks.score.mismatch.two_sample import energy_distance, energy_noise, pooled, two_sample_accuracy


def test_energy_distance_equals_the_double_loop_without_paired_rows():
    a, b = torch.randn(7, 3, 2), torch.randn(7, 3, 2) + 0.5
    pairs = [(i, j) for i in range(7) for j in range(7) if i != j]
    plain = sum(2 * (a[i] - b[j]).norm() - (a[i] - a[j]).norm() - (b[i] - b[j]).norm() for i, j in pairs) / len(pairs)
    assert energy_distance(pooled(a, b)) == pytest.approx(float(plain), rel=1e-5)


@pytest.mark.parametrize("shared", [0.0, 0.9])
def test_energy_distance_is_unbiased_and_its_noise_is_its_standard_deviation(shared):
    generator = torch.Generator().manual_seed(0)
    found, noises = [], []
    for _ in range(200):
        noise, a, b = torch.randn(3, 40, 4, generator=generator)
        own_share = math.sqrt(1 - shared**2)
        table = pooled(shared * noise + own_share * a, shared * noise + own_share * b)
        found.append(energy_distance(table))
        noises.append(energy_noise(table))
    spread = torch.tensor(found).std()
    assert abs(sum(found) / len(found)) < 3 * spread / math.sqrt(200)
    assert sum(noises) / len(noises) == pytest.approx(float(spread), rel=0.25)


@pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (2.0, 1.0), (0.0, 5.0)])
def test_two_sample_accuracy_is_close_to_that_of_the_bayes_classifier_of_two_normals(shift, scale):
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(2, 1000, 1, generator=generator)
    # Equal sd: half the shift apart. Equal mean: where the two densities cross.
    edge = math.sqrt(2 * math.log(scale) / (1 - scale**-2)) if scale > 1 else 0
    normal = torch.distributions.Normal(0.0, 1.0).cdf
    inside = 2 * normal(torch.tensor(edge)) - 1, 2 * normal(torch.tensor(edge / scale)) - 1
    best = 0.5 + float(inside[0] - inside[1]) / 2 if scale > 1 else float(normal(torch.tensor(shift / 2)))
    assert two_sample_accuracy(a, shift + scale * b) == pytest.approx(best, abs=0.05)


def test_wide_noise_is_distinguished_from_narrow_data_in_many_dimensions():
    noise, data = torch.randn(200, 64), 0.3 * torch.randn(200, 64)
    assert two_sample_accuracy(noise, data) > 0.95
