"""The option `optimizer`: Adam for every parameter where it is chosen, Muon as before where it is not."""

import pytest
import torch

from paradigms import load
from paradigms.parts.optimizers.muon import Muon

NAMES = ["diffusion", "meanflow", "unrolled"]


def optimizer_of(name, **options):
    torch.manual_seed(0)
    paradigm = load(name)((1, 8, 8), 10, lr=0.03, lr_adam=0.004, **options)
    (stage,) = paradigm.stages()
    return stage.optimizer(stage.parameters), stage.parameters


@pytest.mark.parametrize("name", NAMES)
def test_adam_has_every_parameter_at_its_rate(name):
    optimizer, parameters = optimizer_of(name, optimizer="adam")
    (group,) = optimizer.param_groups
    assert type(optimizer) is torch.optim.Adam and group["lr"] == 0.004
    assert {id(p) for p in group["params"]} == {id(p) for p in parameters}


@pytest.mark.parametrize("name", NAMES)
def test_the_default_is_muon_for_convolutions(name):
    optimizer, _ = optimizer_of(name)
    assert type(optimizer) is Muon and [group["lr"] for group in optimizer.param_groups] == [0.03, 0.004]


@pytest.mark.parametrize("name", NAMES)
def test_another_optimiser_is_refused(name):
    with pytest.raises(ValueError, match="optimizer = 'sgd'; allowed: muon, adam"):
        optimizer_of(name, optimizer="sgd")
