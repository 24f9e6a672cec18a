"""Accuracy, calibration and probes, and the intervals and tests of them."""

import numpy as np
import pytest
import torch
from scipy.stats import binom

from benchmarks.score.metrics import accuracy, recognition
from benchmarks.score.metrics.probe import MAX_ROWS, probe, probe_rows
from benchmarks.statistics import mcnemar, wilson
from paradigms.training.ranks import Ranks


def test_accuracy_counts_the_largest_logit_over_batches():
    class Brightest:
        device, n_classes, ranks = torch.device("cpu"), 4, Ranks()

        def logits(self, x):
            assert x.min() >= -1 and x.max() <= 1 and len(x) <= 256
            return x.flatten(1)

    images = torch.from_numpy(np.random.RandomState(0).randint(0, 256, (600, 1, 2, 2)).astype(np.uint8))
    labels = images.flatten(1).argmax(1)
    labels[:30] = (labels[:30] + 1) % 4
    assert accuracy(Brightest(), images, labels) == 0.95


def test_recognition_reports_correct_images_and_the_interval_of_the_accuracy():
    logits = torch.tensor([[2.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 0.0]])
    found = recognition(logits, torch.tensor([0, 1, 1, 0]))
    assert (found["accuracy"], found["n_test"], found["correct"]) == (0.75, 4, "1101")
    assert (found["accuracy_ci_low"], found["accuracy_ci_high"]) == wilson(3, 4)
    # All four fall into one bin: its confidence is a sigmoid of 2.
    assert found["calibration_error"] == pytest.approx(float(torch.sigmoid(torch.tensor(2.0))) - 0.75, abs=1e-6)


def test_the_calibration_error_weights_bins_by_their_number_of_images():
    logits = torch.tensor([[2.0, 0.0]] * 3 + [[0.5, 0.0]])  # confidence 0.88 in three images, 0.62 in the fourth
    labels = torch.tensor([0, 0, 1, 1])
    gaps = [abs(float(torch.sigmoid(torch.tensor(z))) - right) for z, right in ((2.0, 2 / 3), (0.5, 0.0))]
    assert recognition(logits, labels)["calibration_error"] == pytest.approx((3 * gaps[0] + gaps[1]) / 4, abs=1e-6)


def test_a_calibrated_recogniser_has_a_small_calibration_error_and_an_overconfident_one_a_large_one():
    rng = np.random.RandomState(0)
    p = rng.uniform(0.5, 1, 4000)
    labels = torch.from_numpy((rng.rand(4000) > p).astype(np.int64))
    logits = torch.log(torch.from_numpy(np.stack([p, 1 - p], axis=1)))
    # 15 bins over [0, 1], 7 of them used: a share in each is known to about 0.02.
    assert recognition(logits, labels)["calibration_error"] < 0.04
    assert recognition(20 * logits, labels)["calibration_error"] > 0.15


def test_the_wilson_interval_has_its_nominal_coverage_and_a_width_at_0_and_1():
    for n, share in ((20, 0.95), (50, 0.5), (360, 0.98)):
        chances = binom.pmf(np.arange(n + 1), n, share)
        holds = [low <= share <= high for low, high in (wilson(k, n) for k in range(n + 1))]
        assert 0.9 < chances[holds].sum() < 0.99  # the score interval is near 95 %, on either side
    assert wilson(10, 10)[0] < 0.8 and wilson(10, 10)[1] == 1 and wilson(0, 10)[0] == 0
    z = 1.959964
    centre, half = 0.75 + z**2 / 8, z * np.sqrt(0.75 * 0.25 / 4 + z**2 / 64)
    assert wilson(3, 4) == pytest.approx([(centre - half) / (1 + z**2 / 4), (centre + half) / (1 + z**2 / 4)], rel=1e-5)
    with pytest.raises(ValueError, match="5 successes of 4"):
        wilson(5, 4)


def test_mcnemar_counts_only_images_on_which_the_two_differ():
    found = mcnemar("1" * 50 + "1" * 8 + "0" * 2 + "0" * 40, "1" * 50 + "0" * 8 + "1" * 2 + "0" * 40)
    tail = sum(binom.pmf(k, 10, 0.5) for k in (0, 1, 2))
    assert found == {"b": 8, "c": 2, "p_value": pytest.approx(2 * tail)}
    assert mcnemar("110", "110")["p_value"] == 1
    assert mcnemar("1" * 20, "0" * 20)["p_value"] == pytest.approx(2 * 0.5**20)


@pytest.mark.parametrize(("a", "b"), [("11", "111"), ("12", "11")])
def test_mcnemar_refuses_predictions_that_are_not_paired(a, b):
    with pytest.raises(ValueError, match=r"not paired|allowed"):
        mcnemar(a, b)


def test_a_linear_probe_separates_by_planes_and_nearest_neighbours_separate_rings():
    rng = np.random.RandomState(0)
    angle, labels = rng.uniform(0, 2 * np.pi, 400), np.arange(400) % 2
    rings = torch.from_numpy((1 + labels)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    found = probe(rings[:300], labels[:300], rings[300:], labels[300:])
    assert found["knn_accuracy"] == 1 and found["linear_probe_accuracy"] < 0.7
    shifted = 1000 * (torch.from_numpy(rng.randn(400, 2)) + torch.from_numpy(6 * labels)[:, None])
    assert probe(shifted[:300], labels[:300], shifted[300:], labels[300:])["linear_probe_accuracy"] == 1


def test_probes_are_fitted_to_a_fixed_choice_of_at_most_five_thousand_rows():
    assert probe_rows(7).tolist() == list(range(7))
    rows = probe_rows(60_000)
    assert len(set(rows)) == MAX_ROWS == 5000 and np.array_equal(rows, probe_rows(60_000))
    assert rows.mean() == pytest.approx(30_000, rel=0.03)  # from all over the split, not its first part
