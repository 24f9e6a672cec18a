"""Which scores are asked for, and those of recognition and reconstruction, on the toy of `test_judge`."""

import numpy as np
import pytest
import torch

from benchmarks.plan.settings import SCORES
from benchmarks.score.scoring import Judge
from tests.benchmarks.score.test_scoring import N_CLASSES, Toy, job


def test_the_squared_error_of_reconstruction_is_summed_over_pixels_in_the_unit_interval(tmp_path):
    asked = job(tmp_path)
    found = Judge(asked, Toy()).verdict()["reconstruction"]
    v = asked.dataset.test.images / 255.0
    # A shift of .5 in [-1, 1] is one of .25 in [0, 1], which ends at white.
    expected = (np.minimum(0.25, 1 - v) ** 2).sum(axis=(1, 2, 3)).mean()
    assert found["squared_error"] == pytest.approx(expected, rel=1e-4) and found["n_images"] == 60


def test_what_is_tried_is_chosen_by_the_validation_split(tmp_path):
    asked = job(tmp_path)
    asked.dataset.validation.labels[:] = (asked.dataset.validation.labels + 1) % N_CLASSES
    verdict = Judge(asked, Toy()).verdict()
    assert verdict["validation_accuracy"] == 0 and verdict["accuracy"] == 1


def test_a_generators_trial_is_chosen_by_its_lowest_fid_to_the_validation_split(tmp_path):
    asked = job(tmp_path, trial=0)
    judge = Judge(asked, Toy())
    verdict = judge.verdict()
    validation = torch.from_numpy(asked.dataset.validation.images)
    expected = min(
        judge.scorer.distance(judge.draw(entry["sampler"], entry["nfe_asked"]).images, validation)
        for entry in verdict["samples"]
    )
    assert verdict["validation_fid"] == pytest.approx(expected)
    assert judge.scorer.distance(validation, validation) == pytest.approx(0, abs=1e-6) and expected > 1e-3
    assert Judge(job(tmp_path), Toy()).verdict()["validation_fid"] is None


@pytest.mark.parametrize("score", SCORES)
def test_what_is_not_asked_for_is_not_scored(score, tmp_path):
    verdict = Judge(job(tmp_path, scores=[name for name in SCORES if name != score]), Toy()).verdict()
    seen = verdict["recognition"]
    found = {
        "recognition": verdict["accuracy"] is not None or verdict["validation_accuracy"] is not None,
        "probe": seen is not None and seen["knn_accuracy"] is not None,
        "likelihood": verdict["likelihood"] is not None,
        "reconstruction": verdict["reconstruction"] is not None,
        "chain": "reach" in verdict,
    }
    assert not found.get(score, False) and all(found[name] for name in found.keys() - {score})
