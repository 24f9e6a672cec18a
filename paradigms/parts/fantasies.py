"""The chains that stand for the model while a restricted Boltzmann machine learns: its fantasies.

Source: the ways to run them are those of `contrastive` and `tempering`. Symbols as in `rbm`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from paradigms.parts.binary_units import bernoulli
from paradigms.parts.contrastive import States, gibbs
from paradigms.parts.rbm import RBM
from paradigms.parts.tempering import ladder, tempered_gibbs

KINDS = ("persistent", "noise", "tempered")


class Fantasies(nn.Module):
    """n_chains chains for `n_hidden` hidden units.

    kind: "persistent", going on where they last ended; "noise", begun anew for every update and so best at as many
    sweeps as they are given; "tempered", persistent at `n_temperatures` temperatures that trade places.
    """

    def __init__(self, kind: str, n_chains: int, n_hidden: int, n_temperatures: int):
        super().__init__()
        self.kind = kind
        # Probabilities of the hidden units, or their states where the chains are tempered.
        self.register_buffer("h", torch.zeros(n_temperatures if kind == "tempered" else 1, n_chains, n_hidden))

    @torch.no_grad()
    def begin(self, rbm: RBM, noise: Callable[[int], Tensor]) -> None:
        """Start every chain at visible states that know nothing; noise: draws n of them, (n, V)."""
        h = rbm.h_given_v(noise(self.h.shape[1])).expand_as(self.h)
        self.h.copy_(bernoulli(h) if self.kind == "tempered" else h)

    @torch.no_grad()
    def advance(self, rbm: RBM, n_sweeps: int, noise: Callable[[int], Tensor]) -> States:
        """The states (n_chains, ...) after `n_sweeps` more sweeps; noise: as in `begin`."""
        if self.kind == "noise":
            self.begin(rbm, noise)
        if self.kind == "tempered":
            model, h = tempered_gibbs(rbm, self.h, ladder(len(self.h), self.h), n_sweeps)
        else:
            model = gibbs(rbm, self.h[0], n_sweeps)
            h = model.h[None]
        self.h.copy_(h)
        return model
