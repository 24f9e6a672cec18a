"""The optimiser of a generator's network, by name: Muon, or Adam alone, as published methods have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from paradigms.parts.optimizers.muon import muon
from paradigms.training.defaults import adam

OPTIMIZERS = ("muon", "adam")


def chosen(name: str, lr: float, lr_adam: float) -> Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer]:
    """Returns the optimiser of a Stage.

    name: one of `OPTIMIZERS`; "muon" has Adam for what is no convolution, "adam" for all parameters.
    lr: Muon's learning rate; unused with "adam".
    lr_adam: Adam's learning rate.
    """
    return muon(lr, lr_adam) if name == "muon" else adam(lr_adam)
