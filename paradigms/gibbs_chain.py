"""Gibbs chain: the network of a deep belief network, trained as one graph by one loss at the end of its chain.

Source: the network and its chain: Hinton, Osindero & Teh, Neural Computation 18, 2006, section 6 (Gibbs sweeps of the
top RBM, then a pass down); back-propagation through such a chain: Bengio, Laufer, Alain & Yosinski, "Deep generative
stochastic networks trainable by backprop" (GSN), ICML 2014 (arXiv 1306.1091); the loss on samples of a sigmoid network:
Li, Swersky & Zemel, "Generative moment matching networks", ICML 2015 (arXiv 1502.02761), equation 4; gradients of
sampled states: Bengio, Leonard & Courville 2013 (arXiv 1308.3432), the straight-through estimator.

symbol    meaning                                                              shape
v         visible units of the top RBM: fair coins at the start of the chain   (B, width below the top)
h         its hidden units                                                     (B, width of the top)
x         samples: means of the pixels by a pass down from E[v | h]            (B, C, H, W)
k         sweeps of the chain = evaluations per sample (NFE)
real      the training split, flattened                                        (N, C H W)

    v <- sample(v),  h <- sample(sigmoid(v W + hbias)),  v <- sigmoid(h W' + vbias)     k times
    loss = MMD(x, real)

It is the control for `dbn` as a generator: the same units, weights and chain (without label units), but no layer has a
target of its own.

Differs: forward the states are sampled, backward they count as their means. The weights start as those of a deep
sigmoid network (Glorot & Bengio 2010); an RBM's start, 0.01 times normal numbers, gives samples that are all alike. The
GSN of the source has a likelihood as its loss and starts its chain at data.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow.flow import draw_rows
from paradigms.parts.losses.sample_loss import N_REAL, SampleLoss
from paradigms.parts.options import positive
from paradigms.parts.rbm.binary_units import to_images, to_units
from paradigms.parts.rbm.rbm import RBM, GenerativeLayer
from paradigms.training.defaults import adam

GAIN = 4.0  # of Glorot's initialisation for sigmoids, whose slope at 0 is 1/4


class DifferentiableRBM(RBM):
    """RBM whose Gibbs sweep has gradients: those of the means stand for those of the sampled states."""

    def forward(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """One Gibbs sweep, as in `RBM`: (B, V) from means (B, V)."""
        v = straight_through(mean, self.sample_v(mean, generator))
        means = self.h_given_v(v)
        return self.v_given_h(straight_through(means, self.sample_h(means, generator)))


class GibbsChain(Paradigm):
    """The generator of a deep belief network under one loss on its samples.

    Network
        widths: hidden units of each layer, the top one last; two or more.
    Chain
        k: sweeps, through all of which the loss has gradients.
    Loss
        loss: "mmd", "energy" or "drifting".
    Optimisation
        lr: Adam's learning rate.
        batch_size: samples per update.
        ema_decay: ceiling of the per-update decay of the weights' average.
    """

    title = "Gibbs chain (one loss through a DBN's network)"
    era = "end-to-end"
    reference = "Bengio et al. 2014, arXiv 1306.1091"
    task = "generation"
    samplers = ("gibbs",)

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        widths: Sequence[int] = (128, 256),
        k: int = 1,
        loss: str = "mmd",
        lr: float = 1e-2,
        batch_size: int = 128,
        ema_decay: float = 0.999,
    ):
        super().__init__(shape, n_classes)
        positive(widths=list(widths), k=k, batch_size=batch_size)
        if len(widths) < 2:
            raise ValueError(f"widths = {list(widths)}; allowed: two or more")
        sizes = [shape[0] * shape[1] * shape[2], *widths]
        self.top = DifferentiableRBM(*sizes[-2:])
        self.down = nn.ModuleList(GenerativeLayer(n, m) for n, m in pairwise(sizes[:-1]))
        for layer in (self.top, *self.down):
            nn.init.xavier_uniform_(layer.W, gain=GAIN)
        self.at_end = SampleLoss(loss)
        self.k, self.lr, self.batch_size, self.ema_decay = k, lr, batch_size, ema_decay
        self.register_buffer("real", torch.empty(0), persistent=False)

    def observe(self, x: Tensor, label: Tensor) -> None:
        self.real = x.flatten(1)
        self.at_end.observe(self.real)

    def stages(self) -> list[Stage]:
        parameters, optimizer = [*self.top.parameters(), *self.down.parameters()], adam(self.lr)
        settings = {"batch_size": self.batch_size, "ema_decay": self.ema_decay, "steady": True}
        return [Stage("chain", parameters, self.loss, optimizer=optimizer, begin=self.begin, **settings)]

    def begin(self) -> None:
        """Sets the biases of the pixels to the log-odds of their means over the training split."""
        self.down[0].set_visible_biases(to_units(self.real))

    def loss(self, batch: Batch) -> Tensor:
        """Returns the distance of fresh samples from the training split, a scalar.

        batch: gives the number of samples.
        """
        return self.at_end(self.draw(len(batch.x), self.k).flatten(1), draw_rows(self.real, N_REAL))

    def draw(self, n: int, n_sweeps: int, generator: torch.Generator | None = None) -> Tensor:
        """Returns n samples, (n, C, H, W), at the end of the chain, with gradients through all of it."""
        v = self.top.noise(n, generator)
        for _ in range(n_sweeps):
            v = self.top(v, generator)
        for layer in reversed(self.down):
            v = layer.v_given_h(v)
        return to_images(v, self.shape)

    def link(self) -> nn.Module:
        return self.top

    @torch.no_grad()
    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "default") -> Tensor:
        return self.draw(n, nfe, generator)


def straight_through(mean: Tensor, state: Tensor) -> Tensor:
    """Returns `state`, sampled with probabilities `mean`, with the gradient of `mean`; both (B, n)."""
    return mean + (state - mean).detach()
