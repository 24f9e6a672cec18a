"""Only requested scores are computed; scores of recognition and reconstruction, on the toy of `test_scoring`."""

import numpy as np
import pytest
import torch

from benchmarks.plan.settings import SCORES
from benchmarks.score.metrics.frechet import frechet_distance
from benchmarks.score.scoring import Scoring
from tests.benchmarks.score.test_scoring import N_CLASSES, Blocks, Toy, job


def test_the_squared_error_of_reconstruction_is_summed_over_pixels_in_the_unit_interval(tmp_path):
    work = job(tmp_path)
    found = Scoring(work, Toy()).full_scores()["reconstruction"]
    v = work.dataset.test.images / 255.0
    # A shift of 0.5 in [-1, 1] is one of 0.25 in [0, 1], clipped at white.
    expected = (np.minimum(0.25, 1 - v) ** 2).sum(axis=(1, 2, 3)).mean()
    assert found["squared_error"] == pytest.approx(expected, rel=1e-4) and found["n_images"] == 60


def test_a_recognisers_trial_is_chosen_by_its_accuracy_on_the_validation_split(tmp_path):
    work = job(tmp_path)
    work.dataset.validation.labels[:] = (work.dataset.validation.labels + 1) % N_CLASSES
    scores = Scoring(work, Toy()).full_scores()
    assert scores["validation_accuracy"] == 0 and scores["accuracy"] == 1


def test_every_sampler_and_nfe_has_its_fid_to_the_validation_split_and_a_trial_is_chosen_by_the_lowest(tmp_path):
    scoring = Scoring(job(tmp_path), Toy())
    scores = scoring.full_scores()
    validation = Blocks()(torch.from_numpy(scoring.job.dataset.validation.images))
    for entry in scores["samples"]:
        images = scoring.draw(entry["sampler"], entry["nfe_asked"]).images
        assert entry["validation_fid"] == pytest.approx(frechet_distance(Blocks()(images), validation))
    assert scores["validation_fid"] == min(entry["validation_fid"] for entry in scores["samples"]) > 1e-3


@pytest.mark.parametrize("score", SCORES)
def test_a_score_that_is_not_requested_is_not_computed(score, tmp_path):
    scores = Scoring(job(tmp_path, scores=[name for name in SCORES if name != score]), Toy()).full_scores()
    seen = scores["recognition"]
    found = {
        "recognition": scores["accuracy"] is not None or scores["validation_accuracy"] is not None,
        "probe": seen is not None and seen["knn_accuracy"] is not None,
        "likelihood": scores["likelihood"] is not None,
        "reconstruction": scores["reconstruction"] is not None,
        "chain": "reach" in scores,
    }
    assert not found.get(score, False) and all(found[name] for name in found.keys() - {score})
