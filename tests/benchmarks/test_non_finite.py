"""A stage that ends with a loss or a weight that is not finite is no trained network."""

from dataclasses import replace

import pytest
import torch

from benchmarks.fit import Fit
from benchmarks.store.trained import Trained
from paradigms.base import NonFinite
from tests.benchmarks.test_environment import ROWS
from tests.benchmarks.test_fit import TwoLines
from tests.benchmarks.train.plug_in import executed, training_cell

N_UPDATES = 500  # every second loss is recorded: those of updates 0, 2, ..., 498


class BreaksAt(TwoLines):
    """Its loss is not finite at the chosen update of the first stage."""

    def __init__(self, update, factor):
        super().__init__()
        self.broken_at, self.factor = update, factor

    def first_loss(self, batch):
        loss = self.first(batch.x.flatten(1)).square().mean()
        return loss * self.factor if self.update == self.broken_at else loss


def test_the_last_loss_of_a_stage_is_checked_although_it_is_not_recorded():
    with pytest.raises(NonFinite, match=r"stage 'first', update 499: loss is (nan|inf)"):
        Fit(BreaksAt(N_UPDATES - 1, float("inf")), *ROWS, [N_UPDATES, 1])()


class Overflows(TwoLines):
    """Every loss is finite; the last update of the first stage takes a weight to infinity."""

    def stages(self):
        def last_step(progress):
            return float("inf") if progress > 0.85 else 1.0

        return [replace(stage, schedule=last_step, clip_norm=None) for stage in super().stages()]


def test_weights_that_are_not_finite_after_a_finite_loss_are_found_by_stage_and_name():
    with pytest.raises(NonFinite, match=r"stage 'first' ends with first\.weight not finite"):
        Fit(Overflows(), *ROWS, [10, 1])()


class BadBuffer(TwoLines):
    """Weights and losses stay finite; a running statistic does not."""

    def __init__(self):
        super().__init__()
        self.register_buffer("running", torch.zeros(3))

    def second_loss(self, batch):
        self.running[1] = float("nan")
        return super().second_loss(batch)


def test_a_buffer_that_is_not_finite_is_found():
    with pytest.raises(NonFinite, match=r"stage 'second' ends with running not finite"):
        Fit(BadBuffer(), *ROWS, [2, 2])()


def test_finite_training_passes():
    paradigm = TwoLines(ema_decay=0.9)
    Fit(paradigm, *ROWS, [7, 5])()
    assert all(value.isfinite().all() for value in paradigm.state_dict().values())


DIVERGING = """
class Diverging(Paradigm):
    title, era, reference, task = "Diverges at its last update", "other", "none", "recognition"

    def __init__(self, shape, n_classes):
        super().__init__(shape, n_classes)
        self.head = nn.Linear(64, n_classes)

    def stages(self):
        return [Stage("all", list(self.parameters()), self.loss, batch_size=32)]

    def loss(self, batch):
        loss = nn.functional.cross_entropy(self.logits(batch.x), batch.label)
        return loss * float("inf") if self.update == self.n_updates - 1 else loss

    def logits(self, x):
        return self.head(x.flatten(1))
"""


def test_a_recogniser_that_diverges_at_its_last_update_is_not_done_and_leaves_no_weights(tmp_path):
    cell = training_cell(tmp_path / "diverging.py", DIVERGING, budget_flops=402.0 * 32 * 64 * 10 * 4)
    record = executed(cell, tmp_path)
    assert record["status"] == "non_finite"
    assert record["reason"].startswith("NonFinite: stage 'all', update 401: loss is")
    assert not Trained(tmp_path, cell.trained_stem).done(cell.train_key)
