"""The chains that stand for the model while a restricted Boltzmann machine learns: its fantasies.

Source: the ways to run them are those of `contrastive` and `tempering`. Symbols as in `rbm`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paradigms.parts.options import positive
from paradigms.parts.rbm.binary_units import bernoulli
from paradigms.parts.rbm.contrastive import States, gibbs
from paradigms.parts.rbm.rbm import RBM
from paradigms.parts.rbm.tempering import ladder, tempered_gibbs

KINDS = ("persistent", "data", "noise", "tempered")


class Fantasies(nn.Module):
    """n_chains chains for `n_hidden` hidden units.

    kind: "persistent", going on where they last ended; "data", begun at the batch, as many as it has rows (contrastive
    divergence); "noise", begun anew for every update and so best at as many sweeps as they are given; "tempered",
    persistent at `n_temperatures` temperatures that trade places.
    """

    def __init__(self, kind: str, n_chains: int, n_hidden: int, n_temperatures: int):
        super().__init__()
        positive(n_chains=n_chains, n_temperatures=n_temperatures)
        self.kind = kind
        # Probabilities of the hidden units, or their states where the chains are tempered.
        self.register_buffer("h", torch.zeros(n_temperatures if kind == "tempered" else 1, n_chains, n_hidden))

    @torch.no_grad()
    def begin(self, rbm: RBM) -> None:
        """Start every chain at visible states that know nothing."""
        h = rbm.h_given_v(rbm.noise(self.h.shape[1])).expand_as(self.h)
        self.h.copy_(bernoulli(h) if self.kind == "tempered" else h)

    @torch.no_grad()
    def advance(self, rbm: RBM, data: States, n_sweeps: int) -> States:
        """The states (n_chains, ...) after `n_sweeps` more sweeps; data: of the batch."""
        if self.kind == "data":
            return gibbs(rbm, data.h, n_sweeps)
        if self.kind == "noise":
            self.begin(rbm)
        if self.kind == "tempered":
            model, h = tempered_gibbs(rbm, self.h, ladder(len(self.h), self.h), n_sweeps)
        else:
            model = gibbs(rbm, self.h[0], n_sweeps)
            h = model.h[None]
        self.h.copy_(h)
        return model

    @torch.no_grad()
    def samples(self, rbm: RBM, generator: torch.Generator | None = None) -> Tensor:
        """Visible states (n_chains, V), one sweep after the chains of training ended: the longest run of the model that
        there is. If they never began, noise."""
        h = self.h[-1]
        return gibbs(rbm, h, 1, generator).v if h.any() else rbm.noise(len(h), generator)
