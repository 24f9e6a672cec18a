"""The Trainer loop against a plain loop."""

import pytest
import torch
from torch import nn

from benchmarks.fit import Batches, Fit
from paradigms.base import Batch, NonFinite, Paradigm, Stage, derive_seed


class TwoLines(Paradigm):
    """Two linear maps trained one after the other; the second stage's loss sees the first map, frozen."""

    title, era, reference, task = "Two lines", "test", "none", "recognition"

    def __init__(self, shape=(1, 2, 2), n_classes=3, ema_decay=None):
        super().__init__(shape, n_classes)
        torch.manual_seed(0)
        self.first, self.second, self.ema_decay = nn.Linear(4, 5), nn.Linear(5, 3), ema_decay
        self.broken_at = None

    def stages(self):
        def sgd(parameters):
            return torch.optim.SGD(parameters, lr=0.1, momentum=0.9)

        shared = {"batch_size": 4, "optimizer": sgd, "clip_norm": 0.5, "ema_decay": self.ema_decay}
        return [
            Stage("first", list(self.first.parameters()), self.first_loss, share=1.0, **shared),
            Stage("second", list(self.second.parameters()), self.second_loss, share=3.0, **shared),
        ]

    def first_loss(self, batch):
        noise = torch.randn(len(batch.x), 4)
        loss = self.first(batch.x.flatten(1) + noise).square().mean()
        return loss * float("nan") if self.update == self.broken_at else loss

    def second_loss(self, batch):
        return nn.functional.cross_entropy(self.second(self.first(batch.x.flatten(1)).detach()), batch.label)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return Batch(torch.randn(10, 1, 2, 2, generator=generator), torch.arange(10) % 3)


def plain_loop(paradigm, batch, updates):
    """What `Fit` promises, written without Lightning."""
    for stage, n_updates in zip(paradigm.stages(), updates, strict=True):
        optimizer = stage.optimizer(list(stage.parameters))
        averages = [p.detach().clone() for p in stage.parameters]
        batches = Batches(*batch, stage.batch_size, n_updates, 0, paradigm.seed)
        for update, drawn in enumerate(map(batches.at, range(n_updates))):
            optimizer.param_groups[0]["lr"] = 0.1 * stage.schedule(update / n_updates)
            torch.manual_seed(derive_seed(paradigm.seed, stage.name, update))
            optimizer.zero_grad()
            stage.loss(drawn).backward()
            nn.utils.clip_grad_norm_(stage.parameters, stage.clip_norm)
            optimizer.step()
            decay = min(stage.ema_decay or 0.0, (2 + update) / (11 + update))
            averages = [decay * a + (1 - decay) * p.detach() for a, p in zip(averages, stage.parameters, strict=True)]
        for parameter, average in zip(stage.parameters, averages, strict=True):
            parameter.data.copy_(average)


@pytest.mark.parametrize("ema_decay", [None, 0.9])
def test_the_trainer_does_what_a_plain_loop_does(batch, ema_decay):
    fitted, plain = TwoLines(ema_decay=ema_decay), TwoLines(ema_decay=ema_decay)
    reports = Fit(fitted, *batch, [12, 7])()
    plain_loop(plain, batch, [12, 7])
    for name, value in fitted.state_dict().items():
        assert torch.allclose(value, plain.state_dict()[name], atol=1e-6), name
    assert [(r["name"], r["updates"]) for r in reports] == [("first", 12), ("second", 7)]
    assert [len(r["loss_curve"]) for r in reports] == [12, 7]


def test_batches_are_epochs_without_replacement_whose_rows_depend_on_seed_and_update_alone(batch):
    whole = [drawn.x for group in Batches(*batch, 4, 6, 0, seed=3) for drawn in group]
    late = [drawn.x for group in Batches(*batch, 4, 6, 3, seed=3) for drawn in group]
    assert len(whole) == 6 and all(torch.equal(a, b) for a, b in zip(whole[3:], late, strict=True))
    epoch = torch.cat(whole[:2]).flatten(1)
    assert len(epoch.unique(dim=0)) == 8
    assert not torch.equal(whole[0], Batches(*batch, 4, 6, 0, seed=4).at(0).x)


def test_a_loss_that_is_not_finite_stops_the_stage_by_name(batch):
    paradigm = TwoLines()
    paradigm.broken_at = 3
    with pytest.raises(NonFinite, match="'first', update 3"):
        Fit(paradigm, *batch, [12, 7])()


def test_evaluation_in_mid_stage_sees_averaged_weights_and_leaves_training_alone(batch):
    plain, watched, seen = TwoLines(ema_decay=0.9), TwoLines(ema_decay=0.9), []

    def evaluate(stage, update, seconds):
        seen.append((stage, update, watched.training, torch.equal(watched.first.weight, watched.averages[0])))
        return {"update": update}

    Fit(plain, *batch, [6, 6])()
    fit = Fit(watched, *batch, [6, 6], points=[[0, 3], [5]], evaluate=evaluate)
    fit()
    # Away from the start the weights in place are the averages, and the averages' slots hold the raw weights.
    assert seen == [(0, 0, False, True), (0, 3, False, False), (1, 5, False, False)]
    assert [point["update"] for point in fit.curve] == [0, 3, 5]
    assert all(torch.equal(value, plain.state_dict()[name]) for name, value in watched.state_dict().items())
