"""The states that a chain goes through from noise to images, for eyes: the way and not only where it ends."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from numpy import ndarray
from torch import Tensor

from benchmarks.data.pixels import to_uint8
from paradigms.base import Paradigm, derive_seed

N_IMAGES = 3
N_STEPS = 4  # where training does not say how long the chain is


@torch.no_grad()
def sampling_trajectory(
    paradigm: Paradigm, x: Tensor, label: Tensor, natural_nfe: int | None, nfes: Sequence[int], sampler: str, seed: int
) -> ndarray | None:
    """uint8 (nfe + 1, N_IMAGES, C, H, W), the same noise for a seed whatever the paradigm; None where it has no such
    states: they are no images, they start at the data, or a link needs more than the state.

    Its length is that which training is about, if that is more than one step, else N_STEPS if that is one of `nfes`, at
    which the paradigm is scored, else 1. x (N, C, H, W), label (N,): training data, of which the chain must not depend.
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
