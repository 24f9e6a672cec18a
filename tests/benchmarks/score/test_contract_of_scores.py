"""What a plug-in returns while it is scored is checked: a run finds what the contract tests would."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from benchmarks.score.contract import BrokenContract, outputs
from benchmarks.score.scoring import Scoring
from benchmarks.score.split_sampling import SplitSampling
from paradigms.base import NonFinite
from paradigms.training.ranks import Ranks


def scoring(sample, labelled=False):
    """Scoring of a paradigm whose sampler is `sample(n, generator, link)`."""
    found, link = Scoring.__new__(Scoring), nn.Identity()

    def drawn(n, nfe, generator, sampler):
        return sample(n, generator, link)

    paradigm = SimpleNamespace(can=lambda ability: labelled, link=lambda: link, sample=drawn, sample_labelled=drawn)
    cell, images = SimpleNamespace(seed=0, sample_batch=8), SimpleNamespace(shape=(1, 4, 4), n_classes=3)
    found.job = SimpleNamespace(cell=cell, device="cpu", dataset=images)
    found.paradigm, found.n_samples, found.chains = paradigm, 12, SplitSampling(paradigm, Ranks())
    return found


def good(n, generator, link):
    return link(torch.rand(n, 1, 4, 4, generator=generator))


def test_a_sampler_that_keeps_the_contract_is_scored():
    assert scoring(good).draw("any", 1).evaluations == 1
    label = scoring(lambda *a: (good(*a), torch.zeros(a[0], dtype=torch.long)), labelled=True).draw("any", 1).label
    assert len(label) == 12
    assert scoring(lambda *a: (good(*a), None), labelled=True).draw("any", 1).label is None


@pytest.mark.parametrize(
    ("sample", "said"),
    [
        (lambda n, g, link: None, "samples of 'any' at 1 evaluations are 'NoneType'"),
        (lambda n, g, link: np.zeros((n, 1, 4, 4)), "'ndarray'"),
        (lambda n, g, link: good(n + 1, g, link), r"\(9, 1, 4, 4\)"),
        (lambda n, g, link: good(1, g, link), r"\(1, 1, 4, 4\); must be floating-point \(8, 1, 4, 4\)"),
        (lambda n, g, link: good(n, g, link)[:, 0], r"\(8, 4, 4\)"),
        (lambda n, g, link: good(n, g, link).to(torch.uint8), "torch.uint8"),
        (lambda n, g, link: good(n, g, link) * 300, "beyond 1"),
        (lambda n, g, link: torch.rand(n, 1, 4, 4, generator=g), "never calls its link"),
        (lambda n, g, link: link(torch.rand(n, 1, 4, 4)), "global generator of torch"),
        (lambda n, g, link: good(n, g, link) * float(np.random.rand()), "global generator of NumPy"),
    ],
)
def test_samples_that_break_the_contract_are_named(sample, said):
    with pytest.raises(BrokenContract, match=said) as error:
        scoring(sample).draw("any", 1)
    assert "\n" not in str(error.value)


def test_samples_that_are_not_finite_are_named():
    with pytest.raises(NonFinite, match="not finite"):
        scoring(lambda *a: good(*a) / 0).draw("any", 1)


@pytest.mark.parametrize(
    "label",
    [
        lambda n: torch.zeros(n + 1, dtype=torch.long),
        lambda n: torch.zeros(n),
        lambda n: torch.zeros(n, 1, dtype=torch.long),
        lambda n: torch.full((n,), 3),
        lambda n: torch.full((n,), -1),
        lambda n: [0] * n,
    ],
)
def test_labels_that_break_the_contract_are_named(label):
    with pytest.raises(BrokenContract, match="labels of 'any'"):
        scoring(lambda *a: (good(*a), label(a[0])), labelled=True).draw("any", 1)


@pytest.mark.parametrize(
    ("ability", "found", "said"),
    [
        ("logits", lambda x: torch.zeros(len(x), 4), r"must be floating-point \(6, 3\)"),
        ("logits", lambda x: torch.zeros(1, 3), r"\(1, 3\)"),
        ("logits", lambda x: torch.zeros(len(x), 3, dtype=torch.long), "int64"),
        ("logits", lambda x: torch.zeros(len(x)), r"logits are torch.float32 \(6,\); must be floating-point \(6, 3\)"),
        ("logits", lambda x: torch.tensor(0.0), r"logits are torch.float32 \(\); must be floating-point \(6, 3\)"),
        ("logits", lambda x: None, r"logits are 'NoneType'; must be floating-point \(6, 3\)"),
        ("logits", lambda x: np.zeros((len(x), 3)), r"logits are 'ndarray'"),
        ("features", lambda x: torch.zeros(len(x), 2, 2), r"\(6, D\)"),
    ],
)
def test_outputs_that_break_the_contract_are_named(ability, found, said):
    paradigm = SimpleNamespace(device="cpu", n_classes=3, ranks=Ranks(), **{ability: found})
    with pytest.raises(BrokenContract, match=said):
        outputs(paradigm, ability, torch.zeros(6, 1, 2, 2, dtype=torch.uint8))
