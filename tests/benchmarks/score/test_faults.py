"""Planted faults: each must push the metric that is meant for it outside its healthy range; healthy images must not.

Real digits and the networks that score them. Healthy images are the validation split, which no network was trained on;
every set has as many images (180). The ranges are wide of what healthy images get, so that they hold on any computer.
"""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from benchmarks import data
from benchmarks.data import Dataset
from benchmarks.score.extractors import cache
from benchmarks.score.extractors.extractor import Extractor
from benchmarks.score.metrics import Scorer, frechet, recognition
from benchmarks.score.metrics.probe import probe
from benchmarks.score.scored_samples import RealImages
from benchmarks.score.scoring import Scoring
from benchmarks.score.split_sampling import SplitSampling
from paradigms.base import NonFinite
from paradigms.training.ranks import Ranks

# field: (lowest, highest) value of as many new images of digits, with room for the networks of another computer
HEALTHY = {
    "fid_ratio": (0.2, 2.0),
    "fid2_ratio": (0.2, 2.0),
    "precision": (0.8, 1.0),
    "recall": (0.5, 1.0),
    "coverage": (0.6, 1.0),
    "class_distance": (0.0, 0.12),
    "class_entropy": (2.2, np.log(10) + 1e-9),
    "label_agreement": (0.95, 1.0),
    "memorisation": (0.3, 0.7),
    "memorisation_ratio": (0.8, 1.2),
}


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return data.load("digits")


@pytest.fixture(scope="module")
def extractors(digits) -> tuple[Extractor, ...]:
    return cache.load_all(digits)


@pytest.fixture(scope="module")
def scorer(digits, extractors) -> Scorer:
    return Scorer(digits, extractors, len(digits.validation))


@pytest.fixture
def new(digits) -> torch.Tensor:
    return torch.from_numpy(digits.validation.images)


@pytest.fixture
def label(digits) -> torch.Tensor:
    return torch.from_numpy(digits.validation.labels)


@pytest.fixture
def copies(digits) -> np.ndarray:
    """180 training rows from all over the split: its order is that of the writers."""
    return np.random.RandomState(1).permutation(len(digits.train))[:180]


def unhealthy(scores: dict) -> set[str]:
    """The metrics outside their healthy range."""
    return {name for name, (low, high) in HEALTHY.items() if not low <= scores[name] <= high}


def test_healthy_images_are_in_the_healthy_range_of_every_metric(scorer, new, label):
    assert not unhealthy(scorer.score(new, label))


def test_an_extractor_in_training_mode_is_refused_and_would_change_the_fid(digits, extractors, new):
    faulty = copy.deepcopy(extractors[0])
    for module in faulty.network.modules():
        module.training = True  # as `module.train()` does for an ordinary module
    with pytest.raises(ValueError, match=r"digits-cnn-.* is in training mode"):
        Scorer(digits, [faulty], len(new))
    # The same images: 0 if the features were the same.
    assert frechet.frechet_distance(faulty(new), extractors[0](new)) > 0.3


def test_an_extractor_that_enters_training_mode_later_is_refused(digits, extractors, new):
    faulty = copy.deepcopy(extractors[0])
    scorer = Scorer(digits, [faulty], len(new))
    scorer.fid(new)
    faulty.network.train()
    with pytest.raises(ValueError, match="in training mode"):
        scorer.fid(new)


def drawing(draw) -> Scoring:
    """Scoring of a paradigm that draws with `draw(n)`."""
    scoring = Scoring.__new__(Scoring)
    link = torch.nn.Identity()
    paradigm = SimpleNamespace(can=lambda ability: False, link=lambda: link, sample=lambda n, *_: link(draw(n)))
    cell, images = SimpleNamespace(seed=0, sample_batch=50), SimpleNamespace(shape=(1, 8, 8), n_classes=10)
    scoring.job = SimpleNamespace(cell=cell, device="cpu", dataset=images)
    scoring.paradigm, scoring.n_samples, scoring.chains = paradigm, 180, SplitSampling(paradigm, Ranks())
    return scoring


def test_images_in_the_wrong_range_are_refused_or_detected(scorer, new, label):
    healthy = new.float() / 127.5 - 1
    assert torch.equal(drawing(lambda n: healthy[:n]).draw("any", 1).images[:50], new[:50])
    with pytest.raises(ValueError, match=r"reach 255, beyond 1"):
        drawing(lambda n: new[:n].float()).draw("any", 1)
    with pytest.raises(NonFinite, match="not finite"):
        drawing(lambda n: healthy[:n] / 0).draw("any", 1)
    with pytest.raises(TypeError, match="uint8"):
        scorer.fid(new.float())
    unit = (127.5 * (new.float() / 255) + 127.5).round().to(torch.uint8)  # [0, 1] taken for [-1, 1]
    sixteenths = (new.float() / 255 * 16).round().to(torch.uint8)  # the files' own 0..16
    for faulty in (unit, sixteenths):
        assert {"fid_ratio", "fid2_ratio", "coverage"} <= unhealthy(scorer.score(faulty, label))


def test_float32_raw_moments_lose_a_distance_far_from_the_origin_where_float64_keeps_it(monkeypatch):
    rng = np.random.RandomState(0)
    x = torch.from_numpy(rng.randn(500, 8))
    y = torch.from_numpy(rng.randn(500, 8))

    def shift_changes_it() -> float:
        """Relative change of the distance when both sets are shifted by 1000 deviations; exactly, it is 0."""
        near, far = frechet.frechet_distance(x, y), frechet.frechet_distance(x + 1000, y + 1000)
        return abs(far / near - 1)

    assert shift_changes_it() < 1e-6
    monkeypatch.setattr(torch.Tensor, "double", torch.Tensor.float)
    monkeypatch.setattr(frechet, "FrechetInceptionDistance", in_float32)
    assert shift_changes_it() > 0.1


def in_float32(feature):
    """torchmetrics' FID as it would be, if its sums were float32."""
    metric = _FID(feature=feature)
    for name in ("real_features_sum", "real_features_cov_sum", "fake_features_sum", "fake_features_cov_sum"):
        setattr(metric, name, getattr(metric, name).to(torch.float32))
    return metric


_FID = frechet.FrechetInceptionDistance


def test_the_training_split_as_reference_is_refused(digits, extractors):
    faulty = Dataset("digits", digits.shape, 10, digits.train, digits.validation, digits.train)
    for n in (len(digits.train), 180):
        with pytest.raises(ValueError, match="must be held out"):
            Scorer(faulty, extractors, n)
    with pytest.raises(ValueError, match=r"digits-autoencoder-.* is below that of independent sets"):
        frechet.prepare(RealImages(faulty, extractors[1:], len(digits.train)))


def test_memorised_samples_are_detected_by_memorisation_and_not_by_the_fid(digits, scorer, copies):
    scores = scorer.score(*(torch.from_numpy(part[copies]) for part in (digits.train.images, digits.train.labels)))
    assert {"memorisation", "memorisation_ratio"} <= unhealthy(scores)
    assert not {"fid_ratio", "fid2_ratio", "precision", "coverage"} & unhealthy(scores)


def test_memorised_samples_with_a_little_noise_are_detected_too(digits, scorer, copies):
    noise = torch.from_numpy(np.random.RandomState(0).randint(-8, 9, (180, 1, 8, 8)))
    faulty = (torch.from_numpy(digits.train.images[copies]) + noise).clamp(0, 255).to(torch.uint8)
    assert {"memorisation", "memorisation_ratio"} <= unhealthy(scorer.score(faulty, torch.zeros(180, dtype=torch.long)))


def test_a_collapse_to_one_class_is_detected_by_the_class_scores(scorer, digits):
    threes = torch.from_numpy(digits.train.images[digits.train.labels == 3])
    scores = scorer.score(threes.repeat(2, 1, 1, 1)[:180], torch.arange(180) % 10)
    assert {"class_distance", "class_entropy", "label_agreement", "recall", "coverage", "fid_ratio"} <= unhealthy(
        scores
    )
    assert scores["precision"] > 0.8  # each of them alone is a good digit
    assert scores["class_distance"] > 0.8 and scores["class_entropy"] < 0.3


def test_one_repeated_sample_is_detected_by_recall_and_coverage(scorer, new):
    scores = scorer.score(new[:1].repeat(180, 1, 1, 1), torch.arange(180) % 10)
    assert {"recall", "coverage", "class_entropy", "fid_ratio", "fid2_ratio"} <= unhealthy(scores)
    assert scores["recall"] == 0 and scores["coverage"] < 0.1


def test_a_few_repeated_samples_are_detected_by_recall_and_coverage(scorer, new):
    # Ten classes, each image good: histogram and precision stay healthy.
    scores = scorer.score(new[:30].repeat(6, 1, 1, 1), torch.arange(180) % 10)
    assert {"recall", "coverage"} <= unhealthy(scores) and "precision" not in unhealthy(scores)


def test_blurred_samples_are_detected_by_both_distances(scorer, new, label):
    faulty = F.avg_pool2d(F.pad(new.float(), (1, 1, 1, 1)), 3, 1).round().to(torch.uint8)
    assert {"fid_ratio", "fid2_ratio", "recall", "coverage", "memorisation_ratio"} <= unhealthy(
        scorer.score(faulty, label)
    )


def test_shifted_labels_are_detected_by_the_agreement_and_change_nothing_else(scorer, new, label):
    assert unhealthy(scorer.score(new, (label + 1) % 10)) == {"label_agreement"}


def test_shifted_labels_lower_the_accuracy_and_not_the_probes(digits, extractors):
    images = torch.from_numpy(digits.test.images)
    train, test = digits.train.labels, digits.test.labels
    logits = extractors[0].logits(images)
    assert recognition(logits, torch.from_numpy(test))["accuracy_ci_low"] > 0.9
    assert recognition(logits.roll(1, dims=1), torch.from_numpy(test))["accuracy_ci_high"] < 0.1
    features = extractors[0](torch.from_numpy(digits.train.images)), extractors[0](images)
    assert min(probe(features[0], train, features[1], test).values()) > 0.9
    # Labels that lost their images cannot be read off any feature.
    assert max(probe(features[0], train[np.random.RandomState(0).permutation(1257)], features[1], test).values()) < 0.3
