"""Whether a generating chain starts from noise: a chain started from data is a reconstruction, not a sample.

Two tests of the states that enter the first link: they do not change when the paradigm observes other data
(`observe`), and a classifier distinguishes them from the data. A third test, against the noise at the end of the
training schedule, needs `on_data` and is in `mismatch.ChainStates.starts_as_trained`.
"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from benchmarks.score.mismatch.two_sample import SIGNIFICANT, energy_distance, energy_noise, pooled, two_sample_accuracy
from paradigms.base import Paradigm

DISTINGUISHABLE = 0.75  # accuracy of the classifier below which the first states count as data
N_ROWS = 64


class _Fed(Exception):
    """Stops sampling at the first link and carries its input."""


@torch.no_grad()
def first_states(paradigm: Paradigm, n: int, nfe: int, sampler: str, generator: torch.Generator) -> Tensor | None:
    """Inputs (n, ...) of the first link in `sample`, which is stopped there; None where it calls no link."""

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
    """Tests whether the chain of `nfe` steps starts from noise.

    x, label: training images (N, C, H, W) and classes (N,). first: inputs (n, ...) of the first link, or None where the
    chain calls none. data: states (n, ...) of the data to compare them with.

    Returns from_noise, which is None without a link, and the two numbers that it follows from:
    moves_with_data: whether the first states change when the paradigm observes -x and shifted labels.
    accuracy: of a classifier of `first` against `data`, None if their shapes differ. A low accuracy is ignored where
        the units of `data` are independent of one another, as in codes of an untrained layer.
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
    from_noise = not moves and (accuracy is None or accuracy > DISTINGUISHABLE or not _structured(data))
    return {"from_noise": from_noise, "moves_with_data": moves, "accuracy": accuracy}


def _structured(data: Tensor) -> bool:
    """Whether the units of states (n, ...) are dependent, so that permuting each unit over the rows changes them."""
    units = data.flatten(1)
    generator = torch.Generator().manual_seed(0)
    order = torch.rand(units.shape, generator=generator).argsort(dim=0).to(units.device)
    table = pooled(units, units.gather(0, order))
    return energy_distance(table) > SIGNIFICANT * energy_noise(table)
