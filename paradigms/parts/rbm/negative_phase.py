"""The negative phase of training an RBM: the Markov chains whose states stand for the model's distribution.

Source: contrastive divergence, persistent chains and chains from noise are those of `contrastive`. Symbols as in `rbm`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paradigms.parts.options import positive
from paradigms.parts.rbm.contrastive import States, gibbs
from paradigms.parts.rbm.rbm import RBM
from paradigms.training.split import alike

KINDS = ("persistent", "data", "noise")


class NegativePhase(nn.Module):
    """Chains that give the negative-phase samples; the buffer `h` (n_chains, n_hidden) is where they last ended.

    kind: "persistent": each update continues the chains of the last one (PCD); "data": chains start at the batch, one
        per row (contrastive divergence); "noise": chains start anew from noise at each update (Rdm-k).
    n_chains: number of chains; unused by "data".
    n_hidden: hidden units of the RBM.
    """

    def __init__(self, kind: str, n_chains: int, n_hidden: int):
        super().__init__()
        positive(n_chains=n_chains)
        self.kind = kind
        self.register_buffer("h", torch.zeros(n_chains, n_hidden))  # means given the last visible states

    @torch.no_grad()
    def begin(self, rbm: RBM) -> None:
        """Start every chain from uniformly distributed visible states."""
        self.h.copy_(rbm.h_given_v(rbm.noise(len(self.h))))

    @torch.no_grad()
    def advance(self, rbm: RBM, data: States, n_sweeps: int) -> States:
        """Run `n_sweeps` Gibbs sweeps and return the negative-phase samples, as many as chains.

        data: the positive phase of the same batch, where chains of the kind "data" start.
        """
        if self.kind == "data":
            return gibbs(rbm, data.h, n_sweeps)
        with alike():  # a chain belongs to no row of the batch
            if self.kind == "noise":
                self.begin(rbm)
            model = gibbs(rbm, self.h, n_sweeps)
        self.h.copy_(model.h)
        return model

    @torch.no_grad()
    def samples(self, rbm: RBM, generator: torch.Generator | None = None) -> Tensor:
        """Visible states (n_chains, V), one sweep after the last update: the longest run of the model available.

        Noise where the chains never began.
        """
        return gibbs(rbm, self.h, 1, generator).v if self.h.any() else rbm.noise(len(self.h), generator)
