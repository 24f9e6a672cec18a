"""Sampling trajectories from noise to images, for figures."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from numpy import ndarray
from torch import Tensor

from benchmarks.data.pixels import to_uint8
from paradigms.base import Paradigm, derive_seed

N_IMAGES = 3
N_STEPS = 4  # length where training does not determine it


@torch.no_grad()
def sampling_trajectory(
    paradigm: Paradigm, x: Tensor, label: Tensor, natural_nfe: int | None, nfes: Sequence[int], sampler: str, seed: int
) -> ndarray | None:
    """States of a few sampling trajectories, uint8 (nfe + 1, N_IMAGES, C, H, W); equal noise for every paradigm.

    x, label: training images (N, C, H, W) and classes (N,), on which the first state must not depend.
    natural_nfe: the chain length that training is about, or None. It is the length of the trajectory if it is above 1.
    nfes: the numbers of evaluations that are scored. Else the length is N_STEPS if that is one of them, else 1.
    seed: of the noise.

    Returns None where the states are not images, the chain starts at data, or a step needs more than the state.
    """
    lengths = [*([natural_nfe] if (natural_nfe or 1) > 1 else []), *([N_STEPS] if N_STEPS in nfes else [])]
    nfe = next((n for n in lengths if paradigm.allows(n, sampler)), 1)

    def seeded() -> torch.Generator:
        return torch.Generator(paradigm.device).manual_seed(derive_seed(seed, "path"))

    try:
        rows, other = x[:N_IMAGES], label[:N_IMAGES]
        state = paradigm.on_data(rows, other, 0, nfe, seeded())
        if not torch.equal(state, paradigm.on_data(-rows, other, 0, nfe, seeded())) or state.shape != rows.shape:
            return None
        states, generator = [state], seeded()
        for step in range(nfe):
            states.append(paradigm.chain_step(states[-1], step, nfe, generator, sampler))
    except NotImplementedError:
        return None
    return to_uint8(torch.stack(states)).cpu().numpy()
