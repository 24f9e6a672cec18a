"""Scoring: which draws it makes, and that every field of the full scores comes from the right function."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.data import Dataset, Split
from benchmarks.data.pixels import to_uint8
from benchmarks.errors import BadInput
from benchmarks.plan.settings import SCORES
from benchmarks.score.scoring import Scoring
from benchmarks.statistics import wilson
from paradigms import load
from paradigms.base import Likelihood, Paradigm
from paradigms.training.ranks import Ranks

SHAPE, N_CLASSES = (1, 4, 4), 3


class Blocks(nn.Module):
    """Features are means of 2x2 blocks; the class is the brightest of the first three."""

    name, hash = "blocks", "0123456789abcdef"

    def forward(self, images):
        return nn.functional.avg_pool2d(images.double(), 2).flatten(1)

    def logits_of(self, features):
        return features[:, :N_CLASSES]


class Means(Blocks):
    name, hash = "means", "fedcba9876543210"

    def forward(self, images):
        return images.double().mean(3).flatten(1)


class Toy(Paradigm):
    """Generates noise with a bright block at the place of its label, and recognises the label by the block."""

    samplers = ("first", "second")

    def __init__(self):
        super().__init__(SHAPE, N_CLASSES)
        self.net = nn.Identity()

    def link(self):
        return self.net

    def allows(self, nfe, sampler):
        return nfe < 10

    def sample(self, n, nfe, generator, sampler="first"):
        return self.sample_labelled(n, nfe, generator, sampler)[0]

    def sample_labelled(self, n, nfe, generator, sampler="first"):
        label = torch.randint(N_CLASSES, (n,), generator=generator)
        x = bright(torch.rand(n, *SHAPE, generator=generator), label)
        for _ in range(nfe):
            x = self.net(x)
        return x, label

    def logits(self, x):
        return Blocks()(to_uint8(x))[:, :N_CLASSES].float()

    def features(self, x):
        return x.flatten(1)

    def reconstruct(self, x):
        return (x + 0.5).clamp(-1, 1)

    def log_likelihood(self, x, label, generator):
        assert x.shape == (60, *SHAPE) and x.min() >= -1 and x.max() <= 1 and label.shape == (60,)
        return Likelihood(-1.0, -2.0, -0.5, None, "by decree")


class Mute(Toy):
    sample = Paradigm.sample
    sample_labelled = Paradigm.sample_labelled
    logits, features, log_likelihood = Paradigm.logits, Paradigm.features, Paradigm.log_likelihood
    reconstruct = Paradigm.reconstruct


class Unlabelled(Toy):
    def sample(self, n, nfe, generator, sampler="first"):
        return Toy.sample_labelled(self, n, nfe, generator, sampler)[0]

    sample_labelled = Paradigm.sample_labelled


def bright(noise: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    x = 0.6 * noise - 1
    for row, place in enumerate(label.tolist()):
        top, left = 2 * (place // 2), 2 * (place % 2)
        x[row, :, top : top + 2, left : left + 2] += 1.2
    return x


def split(n: int, seed: int) -> Split:
    generator = torch.Generator().manual_seed(seed)
    label = torch.arange(n) % N_CLASSES
    images = to_uint8(bright(torch.rand(n, *SHAPE, generator=generator), label))
    return Split(images.numpy(), label.numpy())


def job(tmp_path, **cell):
    settings = {"seed": 3, "n_samples": "train", "nfe": [1, 2, 20], "curve_nfe": [2, 20], "sample_batch": 32}
    settings |= {"scores": SCORES, "trial": None}
    dataset = Dataset("blocks", SHAPE, N_CLASSES, split(90, 0), split(9, 1), split(60, 2))
    return SimpleNamespace(
        cell=SimpleNamespace(stem="toy", nfes=lambda sampler: (settings | cell)["nfe"], **settings | cell),
        results_dir=tmp_path,
        dataset=dataset,
        extractors=(Blocks(), Means()),
        device=torch.device("cpu"),
        x=torch.from_numpy(dataset.train.images) / 127.5 - 1,
        label=torch.from_numpy(dataset.train.labels),
        build=Toy,
        ranks=Ranks(),
        samplers=lambda paradigm: list(paradigm.samplers) if paradigm.can("sample") else [],
    )


def test_the_full_scores_have_every_allowed_pair_of_sampler_and_nfe_and_all_fields(tmp_path):
    scores = Scoring(job(tmp_path), Toy()).full_scores()
    pairs = [(entry["sampler"], entry["nfe_asked"]) for entry in scores["samples"]]
    assert pairs == [("first", 1), ("first", 2), ("second", 1), ("second", 2)]
    assert all(entry["nfe"] == entry["nfe_asked"] and entry["n_samples"] == 90 for entry in scores["samples"])
    assert all(entry["label_agreement"] == 1 for entry in scores["samples"])
    assert {entry["fid2_extractor"] for entry in scores["samples"]} == {"means-fedcba98"}
    found = scores["recognition"]
    assert found["accuracy"] == scores["accuracy"] == 1 and found["correct"] == "1" * 60 and found["n_test"] == 60
    assert (found["accuracy_ci_low"], found["accuracy_ci_high"]) == wilson(60, 60)
    assert found["linear_probe_accuracy"] == found["knn_accuracy"] == 1
    said = {"ais": -1.0, "ais_low": -2.0, "ais_high": -0.5, "exact": None, "method": "by decree", "n_images": 60}
    assert scores["likelihood"] == said
    json.dumps(scores, allow_nan=False)


def test_sampling_noise_is_another_draw_of_the_first_sampler_at_the_curves_evaluations(tmp_path):
    scoring = Scoring(job(tmp_path), Toy())
    (noise,) = scoring.full_scores()["sampling_noise"]
    assert (noise["sampler"], noise["nfe_asked"]) == ("first", 2)
    first, again = (scoring.scorer.fid(scoring.draw("first", 2, redraw).images)["fid_ratio"] for redraw in (0, 1))
    assert noise["fid_ratios"] == [again] and first != again


def test_a_draw_depends_on_the_seed_alone_and_not_on_whether_labels_are_returned(tmp_path):
    first = Scoring(job(tmp_path), Toy()).draw("first", 1)
    assert torch.equal(Scoring(job(tmp_path), Toy()).draw("first", 1).images, first.images)
    other = Scoring(job(tmp_path), Unlabelled()).draw("first", 1)
    assert torch.equal(other.images, first.images) and other.label is None and first.label.shape == (90,)
    assert not torch.equal(Scoring(job(tmp_path, seed=4), Toy()).draw("first", 1).images, first.images)


def test_without_requested_labels_there_is_no_label_agreement(tmp_path):
    scores = Scoring(job(tmp_path), Unlabelled()).full_scores()
    assert {entry["label_agreement"] for entry in scores["samples"]} == {None}
    assert all(entry["class_distance"] < 0.2 for entry in scores["samples"])


def test_scores_of_abilities_that_a_paradigm_lacks_are_none_or_empty(tmp_path):
    scoring = Scoring(job(tmp_path), Mute())
    scores = scoring.full_scores()
    assert scores["samples"] == scores["sampling_noise"] == []
    assert scores["accuracy"] is scores["recognition"] is scores["likelihood"] is None
    assert scoring.quick_scores() == {"accuracy": None, "samples": []} and scoring.save_grids() is None


def test_the_quick_scores_are_part_of_the_full_scores(tmp_path):
    scoring = Scoring(job(tmp_path, nfe=[2]), Toy())
    (point,), (entry, _) = scoring.quick_scores()["samples"], scoring.full_scores()["samples"]
    assert point == {"sampler": "first", "nfe": 2, "fid": entry["fid"], "fid_ratio": entry["fid_ratio"]}
    assert scoring.seconds > 0
    with np.load(tmp_path / scoring.save_grids()) as grids:
        assert grids["first_2"].shape == grids["first_2_nearest"].shape == (16, *SHAPE)


def test_the_last_quick_scores_are_taken_from_the_full_scores_without_drawing(tmp_path, monkeypatch):
    scoring = Scoring(job(tmp_path), Toy())
    before, samples = scoring.quick_scores(), scoring.full_scores()["samples"]
    monkeypatch.setattr(scoring, "draw", None)
    assert scoring.quick_scores(samples) == before


def test_a_curve_has_those_of_its_nfes_at_which_full_scores_are_computed(tmp_path):
    scoring = Scoring(job(tmp_path, nfe=[2], curve_nfe=[1, 2]), Toy())
    assert [point["nfe"] for point in scoring.quick_scores()["samples"]] == [2]
    assert [entry["nfe_asked"] for entry in scoring.full_scores()["sampling_noise"]] == [2]


def test_a_paradigm_that_holds_a_scoring_network_is_refused_before_and_after_training(tmp_path):
    ours = job(tmp_path)
    ours.extractors[0].network = nn.Linear(4, 3).eval()
    guilty = Toy()
    scoring = Scoring(ours, guilty)
    guilty.loss_network = ours.extractors[0].network
    with pytest.raises(BadInput, match="scoring network blocks-01234567"):
        scoring.full_scores()
    with pytest.raises(BadInput, match="scoring network blocks-01234567"):
        Scoring(ours, guilty)


def test_reach_and_mismatch_are_those_of_the_chain_that_is_trained(tmp_path):
    ours = job(tmp_path, nfe=[1, 2, 4, 8])
    torch.manual_seed(0)
    unrolled = load("unrolled")(SHAPE, N_CLASSES, k=2, backbone="mlp").eval()
    unrolled.observe(ours.x, ours.label)
    scores = Scoring(ours, unrolled).full_scores()
    assert scores["reach"]["on_policy_reach"] == 1 and scores["reach"]["credit_length"] == 2
    assert scores["reach"]["reason"] is None and scores["mismatch"]["nfe"] == 2
    json.dumps(scores, allow_nan=False)


def test_a_diagnosis_that_fails_leaves_a_reason_and_all_other_scores(tmp_path):
    scores = Scoring(job(tmp_path), Toy()).full_scores()  # it has no stages
    assert scores["reach"]["coverage"] is None and scores["reach"]["reason"].startswith("NotImplementedError")
    assert scores["mismatch"]["amplification"] is None and scores["samples"]
    assert {entry["change_by_exchange"] for entry in scores["samples"]} == {None} and scores["marks"] == []
    assert all(entry["disguise_reason"].startswith("NotImplementedError") for entry in scores["samples"])


def test_a_diagnosis_that_fails_has_every_field_of_one_that_succeeds(tmp_path):
    ours = job(tmp_path, nfe=[2])
    torch.manual_seed(0)
    sound = load("unrolled")(SHAPE, N_CLASSES, k=2, backbone="mlp").eval()
    sound.observe(ours.x, ours.label)
    failed, found = (Scoring(ours, paradigm).full_scores() for paradigm in (Toy(), sound))
    for part in ("reach", "mismatch"):
        assert failed[part].keys() == found[part].keys() and failed[part]["reason"]
    assert failed["mismatch"] | {"reason": None} == {
        **dict.fromkeys(("n", "amplification", "cumulative_error", "modular_error", "reason", "start")),
        **{"nfe": 2, "sampler": "first", "steps": [], "layers": []},
    }
