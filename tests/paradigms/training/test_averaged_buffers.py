"""The average of the weights includes the running statistics that the averaged network is evaluated with."""

import pytest
import torch
from torch import nn

from benchmarks.fit import Fit
from paradigms.base import Paradigm, Stage
from tests.paradigms.contract import N_CLASSES, SHAPE, images

DECAY, N_UPDATES = 0.9, 6


class Normalised(Paradigm):
    """A classifier with batch norm, one buffer that never changes and one that is not saved."""

    title, era, reference, task = "Normalised", "test", "none", "recognition"

    def __init__(self, ema_decay=DECAY):
        super().__init__(SHAPE, N_CLASSES)
        torch.manual_seed(0)
        self.norm, self.head, self.ema_decay = nn.BatchNorm1d(64), nn.Linear(64, N_CLASSES), ema_decay
        self.register_buffer("constant", torch.tensor([0.1, 0.7, 3.3]))
        self.register_buffer("unsaved", torch.zeros(()), persistent=False)

    def stages(self):
        shared = {"batch_size": 8, "ema_decay": self.ema_decay}
        return [
            Stage("first", list(self.parameters()), self.loss, **shared),
            Stage("second", list(self.head.parameters()), self.loss, **shared),
        ]

    def loss(self, batch):
        self.unsaved += 1
        return nn.functional.cross_entropy(self.head(self.norm(batch.x.flatten(1))), batch.label)


def updated(paradigm, n_updates=N_UPDATES):
    """The state after entering the first stage and after each of its updates."""
    paradigm.enter(paradigm.stages()[0], n_updates)
    optimizer, states = paradigm.configure_optimizers(), []
    for update in range(n_updates + 1):
        if update:
            paradigm.update_once(images(), optimizer)
        states.append({name: value.clone() for name, value in paradigm.state_dict().items()})
    return states


def test_the_adopted_running_statistics_are_the_average_and_not_the_last_ones():
    paradigm = Normalised()
    states = updated(paradigm)
    paradigm.leave()
    found = paradigm.state_dict()
    for name in ("norm.weight", "norm.running_mean", "norm.running_var"):
        average = states[0][name]
        for update, state in enumerate(states[1:], 1):
            decay = min(DECAY, (1 + update) / (10 + update))
            average = decay * average + (1 - decay) * state[name]
        torch.testing.assert_close(found[name], average)
        assert not torch.allclose(found[name], states[-1][name])


def test_counts_stay_the_last_ones_and_constant_and_unsaved_buffers_stay_as_they_are():
    paradigm = Normalised()
    updated(paradigm)
    paradigm.leave()
    assert int(paradigm.norm.num_batches_tracked) == N_UPDATES == int(paradigm.unsaved)
    assert torch.equal(paradigm.constant, torch.tensor([0.1, 0.7, 3.3]))


def test_a_second_swap_undoes_the_first_for_buffers_too():
    paradigm = Normalised()
    last = updated(paradigm)[-1]
    paradigm.swap_averages()
    assert not torch.equal(paradigm.norm.running_mean, last["norm.running_mean"])
    paradigm.swap_averages()
    assert all(torch.equal(value, last[name]) for name, value in paradigm.state_dict().items())


def test_a_buffer_that_two_modules_share_is_averaged_once():
    paradigm = Normalised()
    paradigm.shared = nn.Module()
    paradigm.shared.register_buffer("mean", paradigm.norm.running_mean)
    updated(paradigm)
    paradigm.leave()
    alone = Normalised()
    updated(alone)
    alone.leave()
    assert torch.equal(paradigm.norm.running_mean, alone.norm.running_mean)


def test_without_an_average_the_last_running_statistics_stay():
    paradigm = Normalised(ema_decay=None)
    last = updated(paradigm)[-1]
    paradigm.leave()
    assert all(torch.equal(value, last[name]) for name, value in paradigm.state_dict().items())


class Killed(Exception):
    """Stands for a kill while training."""


@pytest.mark.parametrize("killed_in", [0, 1])
def test_a_resumed_training_ends_in_the_same_bits(killed_in, tmp_path):
    """Killed between two evaluations along the stage, the first of which leaves a checkpoint."""
    kept, along = tmp_path / "checkpoint.pt", {"points": [{3, 4}, {3, 4}], "evaluate": lambda *_: None}

    def kill(stage, update):
        if (stage, update) == (killed_in, 4):
            raise Killed

    def trained(**settings):
        paradigm = Normalised()
        Fit(paradigm, *images(), [N_UPDATES, N_UPDATES], **along, **settings)()
        return paradigm.state_dict()

    with pytest.raises(Killed):
        trained(checkpoint=kept, progress=kill)
    assert kept.is_file()
    whole, resumed = trained(), trained(checkpoint=kept)
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
