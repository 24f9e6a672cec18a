"""Deep auto-encoder: restricted Boltzmann machines learnt greedily, unrolled to an encoder and a decoder, fine-tuned.

Source: Hinton & Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science 313, 2006, and its
supporting text (linear code units with Gaussian noise; cross-entropy fine-tuning).

symbol    meaning                                                          shape
x         image, in [-1, 1]                                                (B, C, H, W)
v         pixels (x + 1) / 2; binary states drawn from them                (B, C H W)
code      the last hidden units, linear                                    (B, widths[-1])
logits    log-odds of the reconstructed pixels                             (B, C H W)

Differs: Adam instead of conjugate gradients; a machine learns from drawn states of the one below, not probabilities.
With nothing of the budget for the machines, the same network starts from random weights: the control, which may have
the units of a later time.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.networks.initialisation import ACTIVATIONS, STARTS, initialise
from paradigms.parts.optimizers.momentum import momentum_sgd
from paradigms.parts.options import numbers, one_of, positive
from paradigms.parts.rbm.binary_units import bernoulli, cross_entropy, to_images, to_units
from paradigms.parts.rbm.greedy import N_SEEN, Greedy
from paradigms.parts.rbm.rbm import RBM
from paradigms.training.defaults import adam


class DeepAutoencoder(nn.Module):
    """Encoder and decoder of hidden widths `sizes[1:]` and back, of units `activation` around a linear code."""

    def __init__(self, sizes: Sequence[int], start: str, activation: str):
        super().__init__()
        self.activation = ACTIVATIONS[activation]()
        self.encoder = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise(sizes))
        self.decoder = nn.ModuleList(nn.Linear(n, m) for n, m in pairwise(reversed(sizes)))
        initialise([*self.encoder, *self.decoder], start, activation)

    def encode(self, v: Tensor) -> Tensor:
        """Code (B, sizes[-1]) of pixels v (B, sizes[0])."""
        for layer in self.encoder[:-1]:
            v = self.activation(layer(v))
        return self.encoder[-1](v)

    def decode(self, code: Tensor) -> Tensor:
        """Log-odds (B, sizes[0]) of the pixels for a code (B, sizes[-1])."""
        for layer in self.decoder[:-1]:
            code = self.activation(layer(code))
        return self.decoder[-1](code)

    @torch.no_grad()
    def adopt(self, rbms: Sequence[RBM]) -> None:
        """Copy each machine, the lowest first, into a layer of the encoder and its mirror image in the decoder."""
        for rbm, up, down in zip(rbms, self.encoder, reversed(self.decoder), strict=True):
            up.weight.copy_(rbm.W.T)
            up.bias.copy_(rbm.hbias)
            down.weight.copy_(rbm.W)
            down.bias.copy_(rbm.vbias)


class AutoEncoder(Paradigm):
    title = "Deep auto-encoder (greedy RBMs, unrolled)"
    era = "layer-wise"
    reference = "Hinton & Salakhutdinov 2006"
    task = "recognition"

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        widths: Sequence[int] = (128, 64, 16),
        start: str = "glorot",
        activation: str = "sigmoid",
        n_sweeps: int = 1,
        rates: Sequence[float] = (0.1, 1e-3, 2e-3),
        weight_decay: float = 2e-4,
        shares: Sequence[float] = (0.3, 0.7),
    ):
        """widths: units of each hidden layer, the code last. start: of weights that nothing pre-trains, as in
        `initialise`. activation: only "sigmoid" where machines pre-train. n_sweeps: of contrastive divergence. rates:
        of the binary machines, of that with the linear code, and Adam's in fine-tuning. weight_decay: of the machines'
        weights. shares: of the budget, for the machines together (left out at 0) and for fine-tuning."""
        super().__init__(shape, n_classes)
        positive(widths=list(widths), n_sweeps=n_sweeps)
        numbers({"rates": 3, "shares": 2}, rates=rates, shares=shares)
        units = ["sigmoid"] if shares[0] else list(ACTIVATIONS)
        one_of({"start": STARTS, "activation": units}, start=start, activation=activation)
        sizes = [shape[0] * shape[1] * shape[2], *widths]
        kinds = [*["binary"] * (len(widths) - 1), "gaussian"]
        self.rbms = Greedy(RBM(n, m, hidden=kind) for (n, m), kind in zip(pairwise(sizes), kinds, strict=True))
        self.network = DeepAutoencoder(sizes, start, activation)
        self.register_buffer("seen", torch.empty(0), persistent=False)
        self.n_sweeps, self.rates, self.weight_decay, self.shares = n_sweeps, rates, weight_decay, shares

    def observe(self, x: Tensor, label: Tensor) -> None:
        self.seen = to_units(x[:N_SEEN])

    def stages(self) -> list[Stage]:
        below, fine_tuning = self.shares
        machines = [
            Stage(
                f"rbm {depth + 1}",
                list(rbm.parameters()),
                partial(self.greedy_loss, depth),
                share=below / len(self.rbms),
                optimizer=momentum_sgd(self.rates[depth == len(self.rbms) - 1], self.weight_decay),
                begin=lambda depth=depth: self.rbms.begin(depth, bernoulli(self.seen)),
                steady=True,
            )
            for depth, rbm in enumerate(self.rbms)
        ]
        unrolled = Stage(
            "unrolled",
            list(self.network.parameters()),
            self.reconstruction_loss,
            share=fine_tuning,
            optimizer=adam(self.rates[2]),
            begin=lambda: self.network.adopt(self.rbms) if below else None,
            steady=True,
        )
        return [*machines, unrolled] if below else [unrolled]

    def greedy_loss(self, depth: int, batch: Batch) -> Tensor:
        """Contrastive divergence of the machine at `depth`."""
        return self.rbms.loss(depth, bernoulli(to_units(batch.x)), self.n_sweeps)

    def reconstruction_loss(self, batch: Batch) -> Tensor:
        """Cross-entropy with the pixels, summed over them and averaged over images, through the whole network."""
        v = to_units(batch.x)
        return cross_entropy(self.network.decode(self.network.encode(v)), v)

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] that the decoder makes of the codes of images x (B, C, H, W)."""
        return to_images(torch.sigmoid(self.network.decode(self.features(x))), self.shape)

    def features(self, x: Tensor) -> Tensor:
        return self.network.encode(to_units(x))
