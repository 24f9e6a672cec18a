"""The scorer: floors and references, what it refuses, and which function computes each of its fields."""

import numpy as np
import pytest
import torch

from benchmarks.data import Dataset, Split
from benchmarks.score.floors import N_DRAWS
from benchmarks.score.metrics import Scorer, frechet, kernel
from benchmarks.score.metrics.classes import class_distance, class_entropy, label_agreement
from benchmarks.score.metrics.frechet import frechet_bias, frechet_distance, references
from benchmarks.score.metrics.kernel import kernel_distance


class Pixels(torch.nn.Module):
    """Features of a 2x2 image are its pixels; its class is whether the first is bright."""

    name, hash = "pixels", "0123456789abcdef"

    def forward(self, images):
        return images.flatten(1).double()

    def logits_of(self, features):
        return torch.stack([255 - features[:, 0], features[:, 0]], dim=1)


class Squares(torch.nn.Module):
    """A second extractor, which is no classifier: features are squared pixels."""

    name, hash = "squares", "fedcba9876543210"

    def forward(self, images):
        return images.flatten(1).double().square() / 255


def images(n: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.RandomState(seed).randint(0, 256, (n, 1, 2, 2)).astype(np.uint8))


def dataset_of(*parts: torch.Tensor) -> Dataset:
    splits = [Split(part.numpy(), (part[:, 0, 0, 0] > 127).numpy().astype(np.int64)) for part in parts]
    return Dataset("noise", (1, 2, 2), 2, *splits)


def floors(dataset, n: int):
    return Scorer(dataset, [Pixels()], n).real.once(references)[0]


@pytest.fixture
def dataset() -> Dataset:
    return dataset_of(*(images(n, seed) for seed, n in enumerate([300, 20, 200])))


def test_the_floor_is_the_mean_fid_of_independent_draws_of_as_many_training_images(dataset):
    test = torch.from_numpy(dataset.test.images).flatten(1).double()
    train = torch.from_numpy(dataset.train.images).flatten(1).double()
    reference = floors(dataset, 300).test
    draws = [
        frechet_distance(train[torch.randint(300, (300,), generator=torch.Generator().manual_seed(seed))], test)
        for seed in range(40)
    ]
    # Means of many and of 40 draws with the same spread: four standard errors of their difference. The standard
    # deviation of 40 draws is known to 11 % if they are Gaussian, and they are skewed.
    assert reference.mean == pytest.approx(np.mean(draws), abs=4 * np.std(draws) * (1 / N_DRAWS + 1 / 40) ** 0.5)
    assert reference.sd == pytest.approx(np.std(draws), rel=0.6) and reference.se == reference.sd / N_DRAWS**0.5
    assert reference.whole == pytest.approx(frechet_distance(train, test), rel=1e-9)
    assert reference.whole < reference.mean


def test_the_floor_is_deterministic_and_falls_with_the_number_of_images(dataset):
    def floor(n):
        return floors(dataset, n).test.mean

    assert floor(50) == floor(50) > floor(300) > floor(900)


def test_a_perfect_sampler_of_the_training_split_scores_one_on_average(dataset):
    scorer, ratios = Scorer(dataset, [Pixels()], 300), []
    for seed in range(30):
        rows = np.random.RandomState(100 + seed).randint(300, size=300)
        ratios.append(scorer.fid(torch.from_numpy(dataset.train.images[rows]))["fid_ratio"])
    assert np.mean(ratios) == pytest.approx(1, abs=4 * np.std(ratios) * (1 / N_DRAWS + 1 / 30) ** 0.5)


def test_the_training_split_scores_the_whole_splits_distance_and_is_detected_as_memorised(dataset):
    scores = Scorer(dataset, [Pixels(), Squares()], 300).score(torch.from_numpy(dataset.train.images))
    assert scores["fid"] == pytest.approx(scores["fid_floor_whole"], rel=1e-9)
    assert scores["fid2"] == pytest.approx(scores["fid2_floor_whole"], rel=1e-9)
    assert scores["memorisation_ratio"] == 0 and scores["memorisation"] == 1
    assert scores["fid_ratio"] < 1 and scores["n_samples"] == 300
    assert (scores["fid_extractor"], scores["fid2_extractor"]) == ("pixels-01234567", "squares-fedcba98")


def test_new_images_of_the_same_distribution_are_not_detected_as_memorised(dataset):
    scorer = Scorer(dataset, [Pixels()], 300)
    scores = scorer.score(images(300, 9))
    # 300 nearest distances vary by about a third around their mean, and a share of a half by 1/2 sqrt(1/300 + 1/200):
    # 0.1 and 0.18 are four standard errors.
    assert scores["memorisation_ratio"] == pytest.approx(1, abs=0.1)
    assert scores["memorisation"] == pytest.approx(0.5, abs=0.18)
    assert scorer.score(0 * images(300, 9))["fid_ratio"] > 100


def test_every_field_is_its_metric_on_the_right_features(dataset):
    fresh, label = images(300, 9), torch.arange(300) % 2
    scores = Scorer(dataset, [Pixels(), Squares()], 300).score(fresh, label)
    test, found = torch.from_numpy(dataset.test.images), (fresh[:, 0, 0, 0] > 127).long()
    assert scores["fid2"] == pytest.approx(frechet_distance(Squares()(fresh), Squares()(test)), rel=1e-9)
    validation = torch.from_numpy(dataset.validation.images)
    assert scores["validation_fid"] == pytest.approx(frechet_distance(Pixels()(fresh), Pixels()(validation)), rel=1e-9)
    assert scores["validation_fid_ratio"] == scores["validation_fid"] / scores["validation_fid_floor"]
    assert scores["fid_floor_draws"] == N_DRAWS and scores["fid_floor_se"] == scores["fid_floor_sd"] / N_DRAWS**0.5
    assert scores["fid_bias"] == pytest.approx(frechet_bias(Pixels()(test), 300, 200), rel=1e-9)
    assert (scores["kid"], scores["kid_se"]) == kernel_distance(Pixels()(fresh), Pixels()(test))
    assert scores["class_distance"] == class_distance(found, (test[:, 0, 0, 0] > 127).long(), 2)
    assert scores["class_entropy"] == class_entropy(found, 2)
    assert scores["label_agreement"] == label_agreement(found, label)
    assert all(0 < scores[name] <= 1 for name in ("precision", "recall", "coverage"))


def test_scores_without_a_second_extractor_or_a_classifier_are_none(dataset):
    scores = Scorer(dataset, [Squares()], 300).score(images(300, 9))
    nothing = {name for name, value in scores.items() if value is None}
    classes = {"class_distance", "class_entropy", "label_agreement"}
    floors = {f"fid2_floor{rest}" for rest in ("", "_sd", "_se", "_draws", "_whole")}
    assert nothing == {"fid2", "fid2_ratio", "fid2_extractor"} | floors | classes


def test_the_quick_score_is_part_of_the_full_one_and_other_counts_are_refused(dataset):
    scorer, fresh = Scorer(dataset, [Pixels()], 300), images(300, 9)
    whole = scorer.score(fresh)
    assert scorer.fid(fresh) == {key: whole[key] for key in ("fid", "fid_ratio")}
    with pytest.raises(ValueError, match="300 images, not for 299"):
        scorer.fid(fresh[:299])


@pytest.mark.parametrize("n", [300, 50])
def test_a_reference_that_overlaps_the_training_split_is_refused(dataset, n):
    train = torch.from_numpy(dataset.train.images)
    with pytest.raises(ValueError, match="must be held out"):
        Scorer(dataset_of(train, images(20, 1), train), [Pixels()], n)
    with pytest.raises(ValueError, match="must be held out"):
        Scorer(dataset_of(train, images(20, 1), torch.cat([train[:150], images(100, 8)])), [Pixels()], n)


def test_a_metric_that_fails_is_none_with_a_reason_and_the_others_stay(dataset, monkeypatch):
    scorer, fresh = Scorer(dataset, [Pixels()], 300), images(300, 9)
    sound = scorer.score(fresh)

    def fail(*_):
        raise RuntimeError("no kernel\nmore about it")

    monkeypatch.setattr(kernel, "kernel_distance", fail)
    scores = scorer.score(fresh)
    assert scores.pop("metric_reasons") == dict.fromkeys(("kid", "kid_se"), "RuntimeError: no kernel")
    assert scores == sound | {"kid": None, "kid_se": None}


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float32("nan"), torch.tensor(float("nan"))])
def test_a_value_that_is_not_finite_is_none_with_a_reason(dataset, monkeypatch, value):
    monkeypatch.setattr(kernel, "kernel_distance", lambda *_: (value, 0.5))
    scores = Scorer(dataset, [Pixels()], 300).score(images(300, 9))
    assert (scores["kid"], scores["kid_se"]) == (None, 0.5)
    assert scores["metric_reasons"].keys() == {"kid"} and "not finite" in scores["metric_reasons"]["kid"]


def test_a_column_that_a_metric_does_not_return_is_none_with_a_reason(dataset, monkeypatch):
    monkeypatch.setattr(kernel, "compute", lambda samples: {"kid": 1.0})
    scores = Scorer(dataset, [Pixels()], 300).score(images(300, 9))
    assert scores["kid_se"] is None and scores["metric_reasons"] == {"kid_se": "compute() returned no value for it"}


def test_a_distance_that_fails_loses_no_point_of_the_curve_and_no_other_metric(dataset, monkeypatch):
    scorer, fresh = Scorer(dataset, [Pixels()], 300), images(300, 9)
    monkeypatch.setattr(frechet, "frechet_distance", lambda *_: float("nan"))
    assert scorer.fid(fresh) == {"fid": None, "fid_ratio": None}
    scores = scorer.score(fresh)
    failed = {"fid", "fid_ratio", "validation_fid", "validation_fid_ratio"}
    assert scores["metric_reasons"].keys() == failed and scores["coverage"] > 0


def test_what_metrics_share_is_computed_once(dataset, monkeypatch):
    scorer, calls = Scorer(dataset, [Pixels()], 300), []
    forward = Pixels.forward
    monkeypatch.setattr(Pixels, "forward", lambda self, x: calls.append(len(x)) or forward(self, x))
    scorer.score(images(300, 9))
    assert calls == [300]


def test_class_scores_by_hand():
    found, reference = torch.tensor([0, 0, 0, 2]), torch.tensor([0, 1, 2, 2])
    assert class_distance(found, reference, 3) == pytest.approx((0.5 + 0.25 + 0.25) / 2)
    assert class_entropy(found, 3) == pytest.approx(-0.75 * np.log(0.75) - 0.25 * np.log(0.25))
    assert class_entropy(torch.zeros(5, dtype=torch.long), 3) == 0
    assert label_agreement(found, torch.tensor([0, 1, 0, 2])) == 0.75
