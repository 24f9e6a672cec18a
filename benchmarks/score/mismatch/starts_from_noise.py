"""Whether a generating chain starts from noise: a chain started from data is a reconstruction, not a sample.

Two behaviours of the states that enter the first link: they are the same whatever data the paradigm was shown
(`observe`), and a classifier tells them from the data. A third one, against the noise that training ends in, needs
`on_data` and stands with the mismatch.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from benchmarks.score.mismatch.two_sample import SURE, energy_distance, energy_noise, pooled, two_sample_accuracy
from paradigms.base import Paradigm

TOLD = 0.75  # accuracy below which the first states pass for data
N_ROWS = 64


class _Fed(Exception):
    """Ends a chain at its first link, carrying what that is fed."""


@torch.no_grad()
def first_states(paradigm: Paradigm, n: int, nfe: int, sampler: str, generator: torch.Generator) -> Tensor | None:
    """The states (n, ...) that `sample` feeds its first link; None where it calls none. The chain goes no further."""

    def stop(_, args: tuple, kwargs: dict) -> None:
        raise _Fed(next(a for a in (*args, *kwargs.values()) if isinstance(a, Tensor) and a.dim()))

    handle = paradigm.link().register_forward_pre_hook(stop, with_kwargs=True)
    try:
        paradigm.sample(n, nfe, generator, sampler)
    except _Fed as fed:
        return fed.args[0][:n].clone()
    finally:
        handle.remove()
    return None


def start_entry(
    paradigm: Paradigm, x: Tensor, label: Tensor, nfe: int, sampler: str, first: Tensor | None, data: Tensor
) -> dict:
    """from_noise: whether the chain of `nfe` steps starts from noise, by what follows; None where it has no link.

    moves_with_data: whether its first states change when `observe` shows x (N, C, H, W) negated and label (N,) shifted.
    accuracy: of telling its first states `first` (n, ...) from `data` (n, ...), None if these are no such states. Where
    data are themselves without structure (codes of an untrained layer), that they look alike proves nothing.
    """
    if first is None:
        return {"from_noise": None, "moves_with_data": None, "accuracy": None}
    twin = copy.deepcopy(paradigm)
    with torch.random.fork_rng(devices=[x.device] if x.is_cuda else []), torch.no_grad():
        twin.observe(-x, label.roll(1))
    pair = [
        first_states(each, N_ROWS, nfe, sampler, torch.Generator(paradigm.device).manual_seed(0))
        for each in (paradigm, twin)
    ]
    moves = any(each is None for each in pair) or not torch.equal(*pair)
    accuracy = two_sample_accuracy(first, data) if data.shape == first.shape else None
    from_noise = not moves and (accuracy is None or accuracy > TOLD or not _structured(data))
    return {"from_noise": from_noise, "moves_with_data": moves, "accuracy": accuracy}


def _structured(data: Tensor) -> bool:
    """Whether the units of states (n, ...) depend on one another: whether they differ from units shuffled apart."""
    units = data.flatten(1)
    generator = torch.Generator().manual_seed(0)
    order = torch.rand(units.shape, generator=generator).argsort(dim=0).to(units.device)
    table = pooled(units, units.gather(0, order))
    return energy_distance(table) > SURE * energy_noise(table)
