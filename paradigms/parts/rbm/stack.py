"""Greedy layer-wise training of a stack of RBMs: each is trained on hidden states of the one below.

Source: Hinton, Osindero & Teh, "A fast learning algorithm for deep belief nets", Neural Computation 18, 2006,
section 4. Visible units are binary, so every RBM is trained on sampled states. The layers below it pass up either
sampled states, or probabilities, of which only the last are sampled: less noise, and the same deterministic pass that
later computes codes and class scores.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice

import torch
from torch import Tensor, nn

from paradigms.parts.rbm.contrastive import contrastive_loss, gibbs, on_data
from paradigms.parts.rbm.rbm import RBM

PASSED_UP = ("states", "means")
N_SEEN = 10_000  # training images from which a paradigm computes the first visible biases


class RBMStack(nn.ModuleList):
    """RBMs, the lowest first.

    rbms: the RBMs; the hidden units of each are the visible units of the next.
    passed_up: what each layer passes to the one above it: sampled "states", or "means" (probabilities).
    """

    def __init__(self, rbms: Iterable[RBM], passed_up: str = "states"):
        super().__init__(rbms)
        self.passed_up = passed_up

    @torch.no_grad()
    def up(self, v: Tensor, depth: int, generator: torch.Generator | None = None) -> Tensor:
        """Visible states (B, width) of the RBM at `depth`, sampled by a pass upwards.

        v: (B, V) of the lowest RBM: sampled states, or where means are passed up and depth > 0 probabilities.
        depth: number of RBMs to pass through; at 0 the result is v.
        """
        for height, rbm in enumerate(islice(self, depth), start=1):
            mean = rbm.h_given_v(v)
            v = mean if self.passed_up == "means" and height < depth else rbm.sample_h(mean, generator)
        return v

    def means(self, v: Tensor) -> Tensor:
        """Means of the last hidden units, (B, width), by a deterministic pass upwards from probabilities v (B, V)."""
        for rbm in self:
            v = rbm.h_given_v(v)
        return v

    def loss(self, depth: int, v: Tensor, n_sweeps: int, centred: bool = False) -> Tensor:
        """Contrastive divergence (CD-k) of the RBM at `depth`, a scalar.

        v: (B, V) of the lowest RBM, as in `up`.
        n_sweeps: k, the length of the chains.
        centred: whether to use the centred gradient, as in `contrastive_loss`.
        """
        rbm = self[depth]
        data = on_data(rbm, self.up(v, depth))
        return contrastive_loss(rbm, data, gibbs(rbm, data.h, n_sweeps), centred)

    def begin(self, depth: int, v: Tensor) -> None:
        """Set the visible biases of the RBM at `depth` to the log-odds of its data, from v (N, V) as in `up`."""
        self[depth].set_visible_biases(self.up(v, depth))
