"""Multi-step unrolled training: one distributional loss on the final samples, back through the whole sampling chain.

Source: the chain is the Euler sampler of flow matching (Lipman et al. 2023) with gradients on; the loss is the unbiased
MMD of Gretton et al. 2012, equation 3, as MMD-DDM (Aiyer et al. 2023, arXiv 2301.07969) uses it to fine-tune a DDPM; or
the energy distance, or the drift of arXiv 2602.04770 (`parts/drift`). Fewer steps with gradient: the last ones as
DRaFT-K (arXiv 2309.17400) has it, or drawn ones, whose gradient comes along the straight part of the chain.

symbol    meaning                                               shape
eps       standard normal noise, the start of the chain         (B, C, H, W)
x         state of the chain; t = 1 at eps, 0 at the sample     (B, C, H, W)
K         steps of the chain = evaluations a sample (NFE)
reach     steps of the K whose network gets gradient
real      the training split, flattened                         (N, C H W)

Differs: trains from scratch too; the real side is the training split, not a batch; the kernels are Laplacian, on
pixels and narrow, since wide ones (and the energy distance) blur (results/LOG.md); velocity with Euler, not
eps-prediction, whose gradient falls on the noisiest step alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts import samplers
from paradigms.parts.backbone import build
from paradigms.parts.distances import energy_distance, kernel_weights, median_distance, mmd
from paradigms.parts.drift import drifting_loss
from paradigms.parts.flow import draw_rows, flow_matching_stage
from paradigms.parts.flow_chain import FlowChain
from paradigms.parts.gradient_cache import cached_loss
from paradigms.parts.muon import muon
from paradigms.parts.options import inside, one_of, positive

STEPS = (1, 2, 4, 8)
CHOICES = {"loss": ("mmd", "energy", "drifting"), "start": ("scratch", "diffusion"), "reached": ("last", "drawn")}


class Unrolled(FlowChain, Paradigm):
    title = "Unrolled chain (one loss through all steps)"
    era = "end-to-end"
    reference = "Aiyer et al. 2023, arXiv 2301.07969"
    task = "generation"
    samplers = ("euler",)

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        k: int = 4,
        reach: int | None = None,
        reached: str = "last",
        start: str = "scratch",
        pretrain_share: float = 0.6,
        loss: str = "mmd",
        bandwidths: Sequence[float] = (0.1, 0.2, 0.4),
        temperatures: Sequence[float] = (0.02, 0.05, 0.2),
        n_real: int = 4096,
        batch_size: int = 128,
        cached_rows: int | None = None,
        lr: float = 1e-2,
        lr_adam: float = 2e-3,
        backbone: str = "unet",
        width: int | None = None,
        ema_decay: float = 0.999,
    ):
        """k: steps of the chain. reach, reached: how many steps get gradient (None for all), and which. start:
        "scratch", or "diffusion" for a flow-matching stage on `pretrain_share` of the budget first. bandwidths: of the
        MMD, in units of the median distance between real images. temperatures: of the drift. n_real: training images
        that an update sees at most. cached_rows: None, or rows of the batch that are in memory with their graph at a
        time. lr, lr_adam: Muon's and, for what is no matrix, Adam's, in the unrolled stage."""
        super().__init__(shape, n_classes)
        one_of(CHOICES, loss=loss, start=start, reached=reached)
        positive(n_real=n_real, batch_size=batch_size, cached_rows=cached_rows or 1)
        _check(k, reach or k, pretrain_share)
        self.net = build(backbone, shape, width)
        self.k, self.reach, self.reached = k, reach or k, reached
        self.start, self.pretrain_share, self.cached_rows = start, pretrain_share, cached_rows
        self.distance, self.bandwidths, self.temperatures = loss, tuple(bandwidths), tuple(temperatures)
        self.n_real, self.batch_size, self.ema_decay = n_real, batch_size, ema_decay
        self.lr, self.lr_adam = lr, lr_adam
        self.register_buffer("real", torch.empty(0), persistent=False)
        self.register_buffer("lengths", torch.tensor(bandwidths))
        self.register_buffer("weights", torch.ones(len(bandwidths)))

    def observe(self, x: Tensor, label: Tensor) -> None:
        self.real = x.flatten(1)
        self.lengths = torch.tensor(self.bandwidths).to(x) * median_distance(self.real)
        self.weights = kernel_weights(self.real, self.lengths)

    def stages(self) -> list[Stage]:
        parameters = list(self.net.parameters())
        local = flow_matching_stage(self.net, self.real, ema_decay=self.ema_decay, share=self.pretrain_share)
        through = Stage(
            "unrolled",
            parameters,
            self.loss,
            share=1 - self.pretrain_share if self.start == "diffusion" else 1.0,
            batch_size=self.batch_size,
            optimizer=muon(self.lr, self.lr_adam),
            ema_decay=self.ema_decay,
        )
        return [local, through] if self.start == "diffusion" else [through]

    def loss(self, batch: Batch) -> Tensor:
        """The batch gives only the number of samples: the real side is the training split."""
        eps, real, steps = torch.randn_like(batch.x), draw_rows(self.real, self.n_real), self.steps_with_gradient()

        def draw(eps: Tensor) -> Tensor:
            return self.chain(eps, steps).flatten(1)

        def apart(g: Tensor) -> Tensor:
            return self.apart(g, real)

        if self.cached_rows is None:
            return apart(draw(eps))
        return cached_loss(draw, apart, eps, list(self.net.parameters()), self.cached_rows)

    def apart(self, g: Tensor, real: Tensor) -> Tensor:
        """How far samples g (B, D) are from real ones (M, D), a scalar."""
        if self.distance == "energy":
            return energy_distance(g, real)
        if self.distance == "drifting":
            return drifting_loss(g, real, self.temperatures)
        return mmd(g, real, self.lengths, self.weights)

    def steps_with_gradient(self) -> set[int]:
        """Numbers of the steps whose network gets gradient: the last `reach`, or as many drawn anew."""
        if self.reached == "last":
            return set(range(self.k - self.reach, self.k))
        return set(torch.randperm(self.k)[: self.reach].tolist())

    def chain(self, eps: Tensor, steps: Collection[int] | None = None) -> Tensor:
        """The k Euler steps from noise eps (B, C, H, W); the network gets gradient in `steps`, None for all.

        A step without it is a constant that is added, so what comes before it still reaches the end.
        """
        x, times = eps, samplers.grid(self.k, eps)
        for step, t in enumerate(times[:-1]):
            with torch.set_grad_enabled(torch.is_grad_enabled() and (steps is None or step in steps)):
                velocity = self.net(x, t, t)
            x = x - velocity / self.k
        return x


def _check(k: int, reach: int, pretrain_share: float) -> None:
    inside(pretrain_share=pretrain_share)
    if k not in STEPS:
        raise ValueError(f"k = {k!r}; allowed: {', '.join(map(str, STEPS))}")
    if not 1 <= reach <= k:
        raise ValueError(f"reach = {reach}; allowed: 1 to k = {k}")
