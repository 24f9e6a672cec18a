"""Restricted Boltzmann machines over one another, each of which learns from what the one below makes of the data.

Source: Hinton, Osindero & Teh, "A fast learning algorithm for deep belief nets", Neural Computation 18, 2006,
section 4. Every machine learns from drawn states, since its visible units are binary; what climbs to the one where they
are drawn are states too, or means, which are less noisy and what a deterministic pass will show it later.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor, nn

from paradigms.parts.rbm.contrastive import contrastive_loss, gibbs, on_data
from paradigms.parts.rbm.rbm import RBM

CLIMBS = ("states", "means")
N_SEEN = 10_000  # images that a paradigm takes the first visible biases from


class Greedy(nn.ModuleList):
    """RBMs, the lowest first. climb: what passes up between them, one of CLIMBS."""

    def __init__(self, machines: Iterable[RBM], climb: str = "states"):
        super().__init__(machines)
        self.climb = climb

    @torch.no_grad()
    def up(self, v: Tensor, depth: int, generator: torch.Generator | None = None) -> Tensor:
        """Visible states (B, width) of the machine at `depth`, drawn layer by layer from states v (B, V); if means
        climb, from means v and in the last step alone."""
        for height, rbm in enumerate(islice(self, depth), start=1):
            mean = rbm.h_given_v(v)
            v = mean if self.climb == "means" and height < depth else rbm.sample_h(mean, generator)
        return v

    def means(self, v: Tensor) -> Tensor:
        """Means of the last hidden units, (B, width), by a deterministic pass upwards from means v (B, V)."""
        for rbm in self:
            v = rbm.h_given_v(v)
        return v

    def loss(self, depth: int, v: Tensor, n_sweeps: int, centred: bool = False) -> Tensor:
        """CD-`n_sweeps` of the machine at `depth` on v (B, V) of the first, as in `up`; a scalar."""
        rbm = self[depth]
        data = on_data(rbm, self.up(v, depth))
        return contrastive_loss(rbm, data, gibbs(rbm, data.h, n_sweeps), centred)

    def begin(self, depth: int, v: Tensor) -> None:
        """Start the visible biases of the machine at `depth` at what it sees of v (N, V) of the first, as in `up`."""
        self[depth].start_at(self.up(v, depth))
