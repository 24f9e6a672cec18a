"""Deep auto-encoder: restricted Boltzmann machines (RBMs) trained greedily, unrolled, then fine-tuned.

Source: Hinton & Salakhutdinov, "Reducing the dimensionality of data with neural networks", Science 313, 2006, and its
supporting text (linear code units with Gaussian noise; cross-entropy fine-tuning; weight decay).

symbol    meaning                                                         shape
x         image, in [-1, 1]                                               (B, C, H, W)
v         pixel probabilities (x + 1) / 2, or states sampled from them    (B, C H W)
code      the last hidden units, linear                                   (B, widths[-1])
logits    log-odds of the reconstructed pixels                            (B, C H W)

Differs:
- Adam instead of conjugate gradients.
- Each RBM is trained on sampled states of the one below, not on probabilities.
- With a share of 0 for the RBMs, the same network is trained from random weights: the control for pre-training. This
  control may also have tanh, ReLU or GELU units.
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
from paradigms.parts.rbm.rbm import RBM
from paradigms.parts.rbm.stack import N_SEEN, RBMStack
from paradigms.training.defaults import adam

WEIGHT_DECAY = 2e-4  # of the RBMs (Hinton & Salakhutdinov 2006, supporting text)


class DeepAutoencoder(nn.Module):
    """Encoder and decoder, mirror images of each other, with a linear code between them.

    sizes: units of each layer of the encoder, from the pixels to the code.
    start: initialisation of the weights, as in `initialise`.
    activation: hidden units, a key of ACTIVATIONS.
    """

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
        """Copy each RBM, the lowest first, into a layer of the encoder and its mirror image in the decoder."""
        for rbm, up, down in zip(rbms, self.encoder, reversed(self.decoder), strict=True):
            up.weight.copy_(rbm.W.T)
            up.bias.copy_(rbm.hbias)
            down.weight.copy_(rbm.W)
            down.bias.copy_(rbm.vbias)


class AutoEncoder(Paradigm):
    """Deep auto-encoder. Options; a value outside its range raises ValueError:

    Network
        widths: units of each layer of the encoder; the last is the code.
        activation: hidden units: "sigmoid", or without RBMs also "tanh", "relu" or "gelu".
        start: initialisation of weights that are not pre-trained: "standard", "glorot" or "he", as in `initialise`.
    Training
        rates: learning rates: of RBMs with binary hidden units, of the RBM of the linear code, of Adam in fine-tuning.
        shares: weights in the budget: of the RBMs together, which are left out at 0, and of fine-tuning.
    """

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
        rates: Sequence[float] = (0.1, 1e-3, 2e-3),
        shares: Sequence[float] = (0.3, 0.7),
    ):
        super().__init__(shape, n_classes)
        positive(widths=list(widths))
        numbers({"rates": 3, "shares": 2}, rates=rates, shares=shares)
        units = ["sigmoid"] if shares[0] else list(ACTIVATIONS)
        one_of({"start": STARTS, "activation": units}, start=start, activation=activation)
        sizes = [shape[0] * shape[1] * shape[2], *widths]
        kinds = [*["binary"] * (len(widths) - 1), "gaussian"]
        self.rbms = RBMStack(RBM(n, m, hidden=kind) for (n, m), kind in zip(pairwise(sizes), kinds, strict=True))
        self.network = DeepAutoencoder(sizes, start, activation)
        self.register_buffer("seen", torch.empty(0), persistent=False)
        self.rates, self.shares = rates, shares

    def observe(self, x: Tensor, label: Tensor) -> None:
        self.seen = to_units(x[:N_SEEN])

    def stages(self) -> list[Stage]:
        below, fine_tuning = self.shares
        greedy = [
            Stage(
                f"rbm {depth + 1}",
                list(rbm.parameters()),
                partial(self.greedy_loss, depth),
                share=below / len(self.rbms),
                optimizer=momentum_sgd(self.rates[depth == len(self.rbms) - 1], WEIGHT_DECAY),
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
        return [*greedy, unrolled] if below else [unrolled]

    def greedy_loss(self, depth: int, batch: Batch) -> Tensor:
        """Contrastive divergence with one Gibbs sweep (CD-1) of the RBM at `depth`, a scalar."""
        return self.rbms.loss(depth, bernoulli(to_units(batch.x)), n_sweeps=1)

    def reconstruction_loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the reconstruction with the pixels, summed over pixels, averaged over images; a scalar."""
        v = to_units(batch.x)
        return cross_entropy(self.network.decode(self.network.encode(v)), v)

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) in [-1, 1] decoded from the codes of images x (B, C, H, W)."""
        return to_images(torch.sigmoid(self.network.decode(self.features(x))), self.shape)

    def features(self, x: Tensor) -> Tensor:
        return self.network.encode(to_units(x))
