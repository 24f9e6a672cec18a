"""One update: the same one in training and by hand, within the schedule, and without a trace of the curve."""

import pytest
import torch

from benchmarks.fit import Batches, Fit
from paradigms import load
from paradigms.base import Paradigm, Stage
from tests.paradigms.contract import N_CLASSES, SHAPE, build, images


class Line(Paradigm):
    """A linear map that minimises its noisy output, with every setting of a stage that an update has to apply."""

    title, era, reference, task = "Line", "test", "none", "recognition"

    def __init__(self, schedule, clip_norm=0.1):
        super().__init__((1, 1, 2), 2)
        torch.manual_seed(0)
        self.map, self.schedule, self.clip_norm = torch.nn.Linear(2, 2), schedule, clip_norm

    def stages(self):
        def sgd(parameters):
            return torch.optim.SGD(parameters, lr=0.5)

        settings = {"schedule": self.schedule, "clip_norm": self.clip_norm, "ema_decay": 0.9, "optimizer": sgd}
        return [Stage("line", list(self.map.parameters()), self.loss, batch_size=16, **settings)]

    def loss(self, batch):
        return (self.map(batch.x.flatten(1)[:, :2]) + torch.randn(2)).square().mean()


def entered(paradigm, n_updates):
    """The paradigm in its first stage, and the stage's optimiser."""
    paradigm.enter(paradigm.stages()[0], n_updates)
    return paradigm, paradigm.configure_optimizers()


@pytest.mark.parametrize("name", ["diffusion", "meanflow", "drifting"])
def test_training_is_its_updates_one_by_one(name):
    """Fit, which also records the loss, and `update_once` on the same batches end in the same bits."""
    fitted, by_hand = build(load(name)), build(load(name))
    Fit(fitted, *images(), [6])()
    batches = Batches(*images(), by_hand.stages()[0].batch_size, 6, 0, by_hand.seed)
    paradigm, optimizer = entered(by_hand, 6)
    for update in range(6):
        paradigm.update_once(batches.at(update), optimizer)
    paradigm.leave()
    for key, value in fitted.state_dict().items():
        assert torch.equal(value, by_hand.state_dict()[key]), key


def test_an_update_applies_rate_seed_clipping_and_average():
    line, optimizer = entered(Line(lambda progress: 0.5 - progress), 4)
    before, batch = line.map.bias.detach().clone(), images()
    torch.manual_seed(5)
    line.update_once(batch, optimizer)
    step = line.map.bias.detach() - before
    rate = 0.5 * 0.5  # the optimiser's times the schedule's at progress 0
    whole = torch.cat([step, (line.map.weight.detach() - Line(None).map.weight.detach()).flatten()])
    assert float(whole.norm()) == pytest.approx(rate * 0.1, rel=1e-4)  # the clipped norm
    decay = 2 / 11
    torch.testing.assert_close(line.averages[1], decay * before + (1 - decay) * line.map.bias.detach())
    other, optimizer = entered(Line(lambda progress: 0.5 - progress), 4)
    torch.manual_seed(6)
    other.update_once(batch, optimizer)
    assert torch.equal(other.map.bias, line.map.bias), "an update draws from its own seed"


def test_progress_stays_within_0_and_1_however_many_updates_are_made():
    seen = []
    line, optimizer = entered(Line(lambda progress: seen.append(progress) or 1.0), 2)
    for _ in range(5):
        line.update_once(images(), optimizer)
    assert seen == [0, 0.5, 1, 1, 1] and line.update == 5


def test_only_training_records_the_loss():
    line, optimizer = entered(Line(lambda progress: 1.0), 3)
    loss = line.update_once(images(), optimizer)
    assert loss.shape == () and not loss.requires_grad and line.curve == []
    line.optimizers = lambda use_pl_optimizer: optimizer
    line.training_step([images(), images()], 0)
    assert [update for update, _ in line.curve] == [1, 2]


def test_a_paradigm_can_be_entered_again_after_it_was_left():
    paradigm = build(load("diffusion"))
    for _ in range(2):
        paradigm, optimizer = entered(paradigm, 1)
        paradigm.update_once(images(), optimizer)
        paradigm.leave()
        assert paradigm.stage is None and not any(p.requires_grad for p in paradigm.parameters())
    assert paradigm.shape == SHAPE and paradigm.n_classes == N_CLASSES
