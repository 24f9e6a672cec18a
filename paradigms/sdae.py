"""Stacked denoising auto-encoders: each layer is trained to denoise the codes of the layer below; then fine-tuning.

Source: Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010 (cross-entropy: equation 5; stacking: section 4;
noise: section 3.3). Generation: Bengio et al., "Generalized denoising auto-encoders as generative models", NIPS 2013
(Markov chain: equation 4; walkback: algorithm 1).

symbol    meaning                                                                      shape
x         image, in [-1, 1]                                                            (B, C, H, W)
v         input of a layer; (x + 1) / 2 in the first, clean codes in the others        (B, width below)
noisy     v after corruption                                                           (B, width below)
h         sigmoid(noisy W + hbias), the code                                           (B, width)
r         sigmoid(h W' + vbias), the reconstruction of v                               (B, width below)

Differs:
- The generator is a copy of the whole stack, encoder and decoder, trained further as one denoising auto-encoder, since
  the layers alone have no model of the top codes (Vincent et al., section 7). Its inputs are binary states sampled from
  v, as in its Markov chain. Without a share of the budget for this stage, the greedily trained stack generates.
- Recognition fine-tunes its own copy of the encoders, by default on sampled states.
- Reconstruction weighs all units alike, where the paper's section 4.1 also emphasises corrupted ones.
- Walkback is off by default because it made samples blurred and their FID worse (results/LOG.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.losses.corruption import KINDS, Corruption
from paradigms.parts.networks.recogniser import Recogniser
from paradigms.parts.optimizers.momentum import momentum_sgd
from paradigms.parts.options import fractions, numbers, one_of, positive
from paradigms.parts.rbm.binary_units import bernoulli, cross_entropy, to_images, to_units


class DenoisingLayer(nn.Module):
    """Auto-encoder with one hidden layer of sigmoid units and tied weights."""

    def __init__(self, n_visible: int, n_hidden: int):
        super().__init__()
        self.W = nn.Parameter(torch.empty(n_visible, n_hidden))
        nn.init.xavier_uniform_(self.W, gain=4.0)  # sigmoid: slope 1/4 at 0, tanh: 1 (Glorot & Bengio 2010)
        self.vbias = nn.Parameter(torch.zeros(n_visible))
        self.hbias = nn.Parameter(torch.zeros(n_hidden))

    def encode(self, v: Tensor) -> Tensor:
        """Code (B, n_hidden) of v (B, n_visible)."""
        return torch.sigmoid(v @ self.W + self.hbias)

    def decode(self, h: Tensor) -> Tensor:
        """Logits (B, n_visible) of the reconstruction from h (B, n_hidden)."""
        return h @ self.W.T + self.vbias


class Stack(nn.Module):
    """Stacked denoising layers.

    sizes: units of each layer, from the pixels up.
    corruption: noise that `forward` adds to its input.
    """

    def __init__(self, sizes: Sequence[int], corruption: Corruption):
        super().__init__()
        self.layers = nn.ModuleList(DenoisingLayer(n, m) for n, m in pairwise(sizes))
        self.corruption = corruption

    def forward(self, v: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Logits (B, n) of the reconstruction of v (B, n) after corruption, encoding and decoding by all layers."""
        return self.decode(self.encode(self.corruption(v, generator)))

    def encode(self, v: Tensor) -> Tensor:
        """Code of the top layer (B, m) for v (B, n)."""
        for layer in self.layers:
            v = layer.encode(v)
        return v

    def decode(self, h: Tensor) -> Tensor:
        """Logits (B, n) of the pixels for a code h (B, m) of the top layer."""
        for layer in reversed(self.layers[1:]):
            h = torch.sigmoid(layer.decode(h))
        return self.layers[0].decode(h)


class SDAE(Paradigm):
    """Stacked denoising auto-encoders. Options; a value outside its range raises ValueError:

    Network
        widths: hidden units of each layer.
    Corruption
        corruption: kind of noise: "masking", "salt-and-pepper" or "gaussian", as in `Corruption`.
        corruption_level: its level in greedy training.
        chain_corruption_level: its level in the generator's Markov chain.
        walkback_steps: steps of the chain away from the data that one update trains; 1 is no walkback.
    Fine-tuning of the recogniser
        drawn: whether its inputs are sampled binary states of the pixels, or else their probabilities.
        dropout: probability that a hidden unit is dropped, in [0, 1).
    Length and rate of each phase
        lr: learning rate of Adam, before fine-tuning.
        lr_fine_tuning: learning rate of SGD with momentum, in fine-tuning.
        shares: weights in the budget: of the layers together, of the generator, of fine-tuning; the last two are left
            out at 0.
    """

    title = "Stacked denoising auto-encoders"
    era = "layer-wise"
    reference = "Vincent et al. 2010"
    task = "recognition"

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        widths: Sequence[int] = (128, 256),
        corruption: str = "masking",
        corruption_level: float = 0.25,
        chain_corruption_level: float = 0.1,
        walkback_steps: int = 1,
        drawn: bool = True,
        dropout: float = 0.0,
        lr: float = 1e-2,
        lr_fine_tuning: float = 0.1,
        shares: Sequence[float] = (0.15, 0.65, 0.2),
    ):
        super().__init__(shape, n_classes)
        one_of({"corruption": KINDS}, corruption=corruption)
        positive(widths=list(widths), walkback_steps=walkback_steps)
        numbers({"shares": 3}, shares=shares)
        if corruption != "gaussian":
            fractions(corruption_level=corruption_level, chain_corruption_level=chain_corruption_level)
        sizes = [shape[0] * shape[1] * shape[2], *widths]
        self.stack = Stack(sizes, Corruption(corruption, corruption_level))
        noise = Corruption(corruption, chain_corruption_level)
        self.trained_chain = Stack(sizes, noise) if shares[1] else None
        self.recogniser = Recogniser(sizes, n_classes, drop=dropout)
        self.walkback_steps, self.drawn, self.shares = walkback_steps, drawn, tuple(shares)
        self.lr, self.lr_fine_tuning = lr, lr_fine_tuning

    @property
    def chain(self) -> Stack:
        """The generator: the copy of the stack that is trained for it, else the greedily trained stack."""
        return self.trained_chain or self.stack

    def stages(self) -> list[Stage]:
        below, generator, fine_tuning = self.shares
        greedy = [
            Stage(
                f"auto-encoder {depth + 1}",
                list(layer.parameters()),
                partial(self.greedy_loss, depth),
                share=below / len(self.stack.layers),
                optimizer=self.adam,
                steady=True,
            )
            for depth, layer in enumerate(self.stack.layers)
        ]
        chain = Stage(
            "chain",
            list(self.chain.parameters()),
            self.chain_loss,
            share=generator,
            optimizer=self.adam,
            begin=lambda: self.chain.load_state_dict(self.stack.state_dict()),
            steady=True,
        )
        supervised = Stage(
            "fine-tuning",
            list(self.recogniser.parameters()),
            self.recognition_loss,
            share=fine_tuning,
            optimizer=momentum_sgd(self.lr_fine_tuning),
            begin=lambda: self.recogniser.adopt((layer.W, layer.hbias) for layer in self.stack.layers),
            steady=True,
        )
        return [*greedy, *([chain] if generator else []), *([supervised] if fine_tuning else [])]

    def adam(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=self.lr, fused=True)

    def greedy_loss(self, depth: int, batch: Batch) -> Tensor:
        """Cross-entropy of the layer at `depth`, which reconstructs clean codes from corrupted ones; a scalar."""
        clean, layer = self.up(to_units(batch.x), depth), self.stack.layers[depth]
        noisy = self.stack.corruption(clean)
        return cross_entropy(layer.decode(layer.encode(noisy)), clean)

    def chain_loss(self, batch: Batch) -> Tensor:
        """Mean cross-entropy with the data of each of `walkback_steps` steps of the chain from the data; a scalar."""
        clean, losses = to_units(batch.x), []
        mean = clean
        for _ in range(self.walkback_steps):
            logits = self.chain(bernoulli(mean))
            losses.append(cross_entropy(logits, clean))
            mean = torch.sigmoid(logits.detach())
        return torch.stack(losses).mean()

    def recognition_loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the recogniser, a scalar; with `drawn`, sampling noise regularises it (results/LOG.md)."""
        v = to_units(batch.x)
        return F.cross_entropy(self.recogniser(bernoulli(v) if self.drawn else v), batch.label)

    @torch.no_grad()
    def up(self, v: Tensor, depth: int) -> Tensor:
        """Input of the layer at `depth`, clean codes (B, width), from pixel probabilities v (B, C H W)."""
        for layer in self.stack.layers[:depth]:
            v = layer.encode(v)
        return v

    def link(self) -> nn.Module:
        return self.chain

    @torch.no_grad()
    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        """Images after `nfe` steps of the chain from fair coins: sample states, corrupt, encode, decode.

        The images are the means of the last step, not states sampled from them.
        """
        mean = torch.full_like(self.chain.layers[0].vbias, 0.5).repeat(n, 1)
        for _ in range(nfe):
            mean = torch.sigmoid(self.chain(bernoulli(mean, generator), generator))
        return to_images(mean, self.shape)

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        """Sampled states of the pixels, (B, C H W), at every step: the chain has no schedule."""
        return bernoulli(to_units(x), generator)

    @torch.no_grad()
    def chain_step(self, state: Tensor, step: int, nfe: int, generator: torch.Generator, sampler: str) -> Tensor:
        return bernoulli(torch.sigmoid(self.chain(state, generator)), generator)

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) by encoding to the top code and decoding it, by means and without noise."""
        chain = self.chain
        return to_images(torch.sigmoid(chain.decode(chain.encode(to_units(x)))), self.shape)

    def logits(self, x: Tensor) -> Tensor:
        return self.recogniser(to_units(x))

    def features(self, x: Tensor) -> Tensor:
        return self.recogniser.features(to_units(x))
