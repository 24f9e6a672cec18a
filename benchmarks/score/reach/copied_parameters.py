"""Which parameters start as copies of others: a stage's `begin` may hand one stage's result to the next.

Greedy pre-training ends by copying its layers into the network that is fine-tuned. That is found by value, whatever the
code that copies: a parameter whose values are those of another one (a transpose or a slice of it included) descends
from it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from paradigms.base import Paradigm

N_VALUES = 1024  # compared of a parameter; of random floats a handful is enough
MOVE = 1e-3  # what stands for training: without it two copies of one source would seem copies of each other


@torch.no_grad()
def lineage(paradigm: Paradigm) -> dict[str, set[str]]:
    """Name of a parameter -> names of those it was copied from at the begin of its stage. Runs every `begin`."""
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
            named[name].add_(MOVE * torch.randn_like(named[name]))
        trained |= own
    return found


def _holds(source: Tensor, copied: Tensor) -> bool:
    """Whether every value of `copied` is one of `source`'s. Constants, such as fresh biases, prove nothing."""
    values = copied.flatten()[:N_VALUES]
    return copied.numel() <= source.numel() and len(values.unique()) > 1 and bool(torch.isin(values, source).all())
