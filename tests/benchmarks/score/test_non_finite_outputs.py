"""Logits or features that are not finite have no accuracy: the largest of a row of NaN is class 0."""

import math

import pytest
import torch

from benchmarks.score.scoring import Scoring
from paradigms.base import Likelihood, NonFinite
from tests.benchmarks.score.test_scoring import Toy, job
from tests.benchmarks.train.plug_in import executed, training_cell


class Broken(Toy):
    """One image of every batch has an output that is not finite."""

    def __init__(self, ability, value):
        super().__init__()
        self.ability, self.value = ability, value

    def logits(self, x):
        return self._broken("logits", super().logits(x))

    def features(self, x):
        return self._broken("features", super().features(x))

    def _broken(self, ability, outputs):
        outputs = outputs.clone()
        outputs[-1, 1] = self.value if ability == self.ability else outputs[-1, 1]
        return outputs


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("ability", ["logits", "features"])
def test_outputs_that_are_not_finite_raise_and_say_how_many(ability, value, tmp_path):
    with pytest.raises(NonFinite, match=rf"^{ability} of \d+ of \d+ images are not finite$"):
        Scoring(job(tmp_path), Broken(ability, value)).full_scores()


def test_a_point_along_training_has_no_accuracy_of_such_logits_either(tmp_path):
    with pytest.raises(NonFinite, match=r"^logits of"):
        Scoring(job(tmp_path), Broken("logits", float("nan"))).quick_scores()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_reconstructions_that_are_not_finite_raise_and_say_how_many(value, tmp_path):
    class Blurred(Toy):
        def reconstruct(self, x):
            return x.index_fill(0, torch.tensor([1, 3]), value)

    with pytest.raises(NonFinite, match=r"^reconstructions of 2 of \d+ images are not finite$"):
        Scoring(job(tmp_path, scores=["reconstruction"]), Blurred()).full_scores()


def test_a_likelihood_that_is_not_finite_raises_and_names_the_value(tmp_path):
    class Unlikely(Toy):
        def log_likelihood(self, x, label, generator):
            return Likelihood(-3.0, -math.inf, -2.0, None, "by hand")

    with pytest.raises(NonFinite, match=r"^log-likelihood is not finite: ais_low = -inf$"):
        Scoring(job(tmp_path, scores=["likelihood"]), Unlikely()).full_scores()


OVERFLOWING = """
class Overflowing(Paradigm):
    title, era, reference, task = "Finite weights, logits of NaN", "other", "none", "recognition"

    def __init__(self, shape, n_classes):
        super().__init__(shape, n_classes)
        self.head = nn.Linear(64, n_classes)

    def stages(self):
        return [Stage("all", list(self.parameters()), self.loss, batch_size=32)]

    def loss(self, batch):
        return nn.functional.cross_entropy(self.head(batch.x.flatten(1)), batch.label)

    def logits(self, x):
        return self.head(x.flatten(1)) * float("nan")
"""


def test_a_recogniser_whose_logits_are_not_finite_is_not_done_and_says_so(tmp_path):
    cell = training_cell(tmp_path / "overflowing.py", OVERFLOWING, kind="quality", scores=["recognition"])
    record = executed(cell, tmp_path)
    assert record["status"] == "non_finite"
    assert record["reason"].startswith("NonFinite: logits of 360 of 360 images are not finite")
