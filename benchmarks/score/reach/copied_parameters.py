"""Finds parameters that are initialised as copies of others: a stage's `begin` may copy the result of an earlier stage.

Greedy pre-training ends by copying its layers into the network that is fine-tuned. Copies are found by value, whatever
code makes them: a parameter whose values all occur in an earlier trained one, as in a transpose or a slice, counts as
its copy.
"""

from __future__ import annotations

import torch
from torch import Tensor

from paradigms.base import Paradigm

N_VALUES = 1024  # values compared per parameter; a handful of random floats would be enough
PERTURBATION = 1e-3  # in place of training; without it, two copies of one source would count as copies of each other


@torch.no_grad()
def copied_parameters(paradigm: Paradigm) -> dict[str, set[str]]:
    """Name of a parameter -> names of those it is copied from in its stage's `begin`.

    Runs every `begin` and perturbs the parameters of `paradigm`, so pass a copy.
    """
    named = dict(paradigm.named_parameters())
    names = {id(parameter): name for name, parameter in named.items()}
    found: dict[str, set[str]] = {}
    trained: set[str] = set()
    for stage in paradigm.stages():
        own = {names[id(p)] for p in stage.parameters if id(p) in names}
        paradigm.enter(stage, 1)
        stage.begin()
        paradigm.leave()
        for name in own - trained:
            copied = {source for source in trained - own if _holds(named[source], named[name])}
            if copied:
                found[name] = copied
        for name in own:
            named[name].add_(PERTURBATION * torch.randn_like(named[name]))
        trained |= own
    return found


def _holds(source: Tensor, copied: Tensor) -> bool:
    """Whether every value of `copied` occurs in `source`. False for constants, such as biases of zero."""
    values = copied.flatten()[:N_VALUES]
    return copied.numel() <= source.numel() and len(values.unique()) > 1 and bool(torch.isin(values, source).all())
