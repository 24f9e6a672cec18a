"""Parallel tempering: chains of an RBM at several temperatures that trade places, so that the cold ones change modes.

Source: Desjardins, Courville, Bengio, Vincent & Delalleau, "Parallel tempering for training of restricted Boltzmann
machines", AISTATS 2010. At the inverse temperature b the distribution is exp(-b E), and b = 1 is the machine's own.
"""

from __future__ import annotations

import torch
from torch import Tensor

from paradigms.parts.rbm.binary_units import bernoulli
from paradigms.parts.rbm.contrastive import States
from paradigms.parts.rbm.rbm import RBM


def ladder(n_temperatures: int, like: Tensor) -> Tensor:
    """Inverse temperatures (T,) from 0 to 1 in equal steps; a single one is 1."""
    if n_temperatures == 1:
        return like.new_ones(1)
    return torch.linspace(0, 1, n_temperatures, dtype=like.dtype, device=like.device)


@torch.no_grad()
def tempered_gibbs(
    rbm: RBM, h: Tensor, betas: Tensor, n_sweeps: int, generator: torch.Generator | None = None
) -> tuple[States, Tensor]:
    """`n_sweeps` of at least 1 sweep at every temperature, each followed by an exchange of neighbours.

    h: hidden states (T, B, H), 0 or 1, chain j at `betas[i]` in h[i, j]. Returns the states of the last temperature,
    which is the machine's own where `betas` ends with 1, and the new hidden states (T, B, H).
    """
    n, n_chains, _ = h.shape
    beta = betas.repeat_interleave(n_chains)[:, None]
    for sweep in range(n_sweeps):
        v = rbm.sample_v(rbm.v_mean(beta * rbm.v_field(h.flatten(0, 1))), generator)
        field = v @ rbm.W + rbm.hbias
        h = bernoulli(torch.sigmoid(beta * field), generator)
        energy = -(v @ rbm.vbias + (h * field).sum(1)).view(n, n_chains)
        order = _exchange(betas, energy, sweep % 2, generator)
        v, h = (part.view(n, n_chains, -1).gather(0, order.expand(-1, -1, part.shape[1])) for part in (v, h))
        v = v.flatten(0, 1)
    cold = v[-n_chains:]
    return States(cold, rbm.h_given_v(cold)), h


def _exchange(betas: Tensor, energy: Tensor, first: int, generator: torch.Generator | None) -> Tensor:
    """Which temperature's state each (T, B) gets, as (T, B, 1): pairs (first, first + 1), (first + 2, ...) may swap."""
    n, n_chains = energy.shape
    order = torch.arange(n, device=energy.device)[:, None].repeat(1, n_chains)
    low = torch.arange(first, n - 1, 2, device=energy.device)
    gain = (betas[low] - betas[low + 1])[:, None] * (energy[low] - energy[low + 1])
    draw = torch.rand(gain.shape, generator=generator, dtype=gain.dtype, device=gain.device)
    swap = draw < gain.clamp(max=0).exp()
    order[low] = torch.where(swap, low[:, None] + 1, low[:, None])
    order[low + 1] = torch.where(swap, low[:, None], low[:, None] + 1)
    return order[:, :, None]
