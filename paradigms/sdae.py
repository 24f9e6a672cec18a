"""Stacked denoising auto-encoders: each layer learns to undo corruption of the codes below it; then fine-tuning.

Source: Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010 (cross-entropy: equation 5; stacking: section 4;
noise and emphasis: `parts/corruption`); generation: Bengio et al., "Generalized denoising auto-encoders as generative
models", NIPS 2013 (the chain: equation 4; walkback: algorithm 1).

symbol    meaning                                                                      shape
x         image, in [-1, 1]                                                            (B, C, H, W)
v         input of a layer; (x + 1) / 2 in the first, clean codes in the others        (B, width below)
corrupt   v after noise of the kind and level asked for                                (B, width below)
h         sigmoid(corrupt W + hbias), the code                                         (B, width)
r         sigmoid(h W' + vbias), the reconstruction of v                               (B, width below)

Differs: the whole stack, down and up again, is trained further as the generator, since the layers alone have no model
of their top codes (Vincent et al., section 7); what it corrupts are binary states drawn from v, as they come in its
chain; without a share of the budget for that, the stack generates as the layers left it. Recognition has its own copy
of the encoders, fine-tuned on drawn states unless told otherwise. Walkback is off by default: it blurred
(results/LOG.md).
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
    """Auto-encoder of one hidden layer with tied weights."""

    def __init__(self, n_visible: int, n_hidden: int):
        super().__init__()
        self.W = nn.Parameter(torch.empty(n_visible, n_hidden))
        nn.init.xavier_uniform_(self.W, gain=4.0)  # a sigmoid's slope is 1/4 where tanh's is 1 (Glorot & Bengio 2010)
        self.vbias = nn.Parameter(torch.zeros(n_visible))
        self.hbias = nn.Parameter(torch.zeros(n_hidden))

    def encode(self, v: Tensor) -> Tensor:
        """Code (B, n_hidden) of v (B, n_visible)."""
        return torch.sigmoid(v @ self.W + self.hbias)

    def decode(self, h: Tensor) -> Tensor:
        """Logits (B, n_visible) of the reconstruction from h (B, n_hidden)."""
        return h @ self.W.T + self.vbias


class Stack(nn.Module):
    """Layers over one another. sizes: units from the pixels up. corruption: of the pixels, in `forward`."""

    def __init__(self, sizes: Sequence[int], corruption: Corruption):
        super().__init__()
        self.layers = nn.ModuleList(DenoisingLayer(n, m) for n, m in pairwise(sizes))
        self.corruption = corruption

    def forward(self, v: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Corrupt v (B, n), encode to the top, decode to the bottom: logits (B, n) of the clean v."""
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
        emphasis: Sequence[float] = (1.0, 1.0),
        walkback_steps: int = 1,
        drawn: bool = True,
        dropout: float = 0.0,
        lr: float = 1e-2,
        lr_fine_tuning: float = 0.1,
        weight_decay: float = 0.0,
        shares: Sequence[float] = (0.15, 0.65, 0.2),
    ):
        """widths: hidden units of each layer. corruption: kind of noise. corruption_level, chain_corruption_level: its
        level in pre-training and in the generating chain. emphasis: weights, in pre-training, of what noise has changed
        and of what it has not. walkback_steps: steps of the chain that an update trains. drawn, dropout: fine-tune on
        drawn states, not on pixels; without that share of hidden units. lr: Adam's, before fine-tuning. shares: of the
        budget, for the layers together, the generator, and fine-tuning; the last two are left out at 0."""
        super().__init__(shape, n_classes)
        one_of({"corruption": KINDS}, corruption=corruption)
        positive(widths=list(widths), walkback_steps=walkback_steps)
        numbers({"shares": 3, "emphasis": 2}, shares=shares, emphasis=emphasis)
        if corruption != "gaussian":
            fractions(corruption_level=corruption_level, chain_corruption_level=chain_corruption_level)
        sizes = [shape[0] * shape[1] * shape[2], *widths]
        self.stack = Stack(sizes, Corruption(corruption, corruption_level, emphasis))
        noise = Corruption(corruption, chain_corruption_level)
        self.trained_chain = Stack(sizes, noise) if shares[1] else None
        self.recogniser = Recogniser(sizes, n_classes, drop=dropout)
        self.walkback_steps, self.drawn, self.shares = walkback_steps, drawn, tuple(shares)
        self.lr, self.lr_fine_tuning, self.weight_decay = lr, lr_fine_tuning, weight_decay

    @property
    def chain(self) -> Stack:
        """What generates: the stack, until it has a copy that is trained for that."""
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
            optimizer=momentum_sgd(self.lr_fine_tuning, self.weight_decay),
            begin=lambda: self.recogniser.adopt((layer.W, layer.hbias) for layer in self.stack.layers),
            steady=True,
        )
        return [*greedy, *([chain] if generator else []), *([supervised] if fine_tuning else [])]

    def adam(self, parameters: Sequence[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=self.lr, fused=True)

    def greedy_loss(self, depth: int, batch: Batch) -> Tensor:
        """The layer at `depth` reconstructs clean codes from corrupted ones."""
        clean, layer = self.up(to_units(batch.x), depth), self.stack.layers[depth]
        noisy = self.stack.corruption(clean)
        weight = self.stack.corruption.weight(noisy, clean)
        return cross_entropy(layer.decode(layer.encode(noisy)), clean, weight)

    def chain_loss(self, batch: Batch) -> Tensor:
        """Steps of the chain away from the data, each of them taught the way back to it."""
        clean, losses = to_units(batch.x), []
        mean = clean
        for _ in range(self.walkback_steps):
            logits = self.chain(bernoulli(mean))
            losses.append(cross_entropy(logits, clean))
            mean = torch.sigmoid(logits.detach())
        return torch.stack(losses).mean()

    def recognition_loss(self, batch: Batch) -> Tensor:
        """Cross-entropy of the recogniser; on drawn states, whose noise regularises it (results/LOG.md)."""
        v = to_units(batch.x)
        return F.cross_entropy(self.recogniser(bernoulli(v) if self.drawn else v), batch.label)

    @torch.no_grad()
    def up(self, v: Tensor, depth: int) -> Tensor:
        """Clean codes below the layer at `depth`, from pixel probabilities v (B, C H W)."""
        for layer in self.stack.layers[:depth]:
            v = layer.encode(v)
        return v

    def link(self) -> nn.Module:
        return self.chain

    @torch.no_grad()
    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        """`nfe` steps of the chain from fair coins: draw states, corrupt, encode, decode; the last mean is shown."""
        mean = torch.full_like(self.chain.layers[0].vbias, 0.5).repeat(n, 1)
        for _ in range(nfe):
            mean = torch.sigmoid(self.chain(bernoulli(mean, generator), generator))
        return to_images(mean, self.shape)

    def on_data(self, x: Tensor, label: Tensor, step: int, nfe: int, generator: torch.Generator) -> Tensor:
        """Drawn states of the pixels, (B, C H W), at every step: the chain has no schedule."""
        return bernoulli(to_units(x), generator)

    @torch.no_grad()
    def chain_step(self, state: Tensor, step: int, nfe: int, generator: torch.Generator, sampler: str) -> Tensor:
        return bernoulli(torch.sigmoid(self.chain(state, generator)), generator)

    @torch.no_grad()
    def reconstruct(self, x: Tensor) -> Tensor:
        """Up to the top code and down again, by means and without noise."""
        chain = self.chain
        return to_images(torch.sigmoid(chain.decode(chain.encode(to_units(x)))), self.shape)

    def logits(self, x: Tensor) -> Tensor:
        return self.recogniser(to_units(x))

    def features(self, x: Tensor) -> Tensor:
        return self.recogniser.features(to_units(x))
