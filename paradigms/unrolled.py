"""Multi-step unrolled training: one distributional loss on the final samples, back through the whole sampling chain.

Source: the chain is the Euler sampler of flow matching (Lipman et al. 2023) with gradients on; the loss is the unbiased
MMD of Gretton et al. 2012, equation 3, as MMD-DDM (Aiyer et al. 2023, arXiv 2301.07969) uses it to fine-tune a DDPM.

symbol    meaning                                               shape
eps       standard normal noise, the start of the chain         (B, C, H, W)
x         state of the chain; t = 1 at eps, 0 at the sample     (B, C, H, W)
K         steps of the chain = evaluations a sample (NFE)
reach     the last `reach` of the K steps pass gradient
real      the whole training split, flattened                   (N, C H W)

Differs: trains from scratch too; the real side is the whole training split, not a batch; the kernels are Laplacian, on
pixels and narrow, since wide ones (and the energy distance) blur (results/LOG.md); velocity with Euler, not
eps-prediction, whose gradient falls on the noisiest step alone.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts import samplers
from paradigms.parts.backbone import build
from paradigms.parts.distances import energy_distance, kernel_weights, median_distance, mmd
from paradigms.parts.flow import flow_matching_stage
from paradigms.parts.flow_chain import FlowChain
from paradigms.parts.muon import muon

STEPS = (1, 2, 4, 8)
LOSSES = ("mmd", "energy")
STARTS = ("scratch", "diffusion")


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
        start: str = "scratch",
        pretrain_share: float = 0.6,
        loss: str = "mmd",
        bandwidths: tuple[float, ...] = (0.1, 0.2, 0.4),
        batch_size: int = 128,
        lr: float = 1e-2,
        lr_adam: float = 2e-3,
        backbone: str = "unet",
        width: int | None = None,
        ema_decay: float = 0.999,
    ):
        """k: steps of the chain. reach: steps that pass gradient, the last ones; None for all. start: "scratch", or
        "diffusion" for a flow-matching stage on `pretrain_share` of the budget first. bandwidths: in units of the
        median distance between real images. lr, lr_adam: Muon's and, for what is no matrix, Adam's, in the
        unrolled stage."""
        super().__init__(shape, n_classes)
        for name, value, allowed in (("k", k, STEPS), ("loss", loss, LOSSES), ("start", start, STARTS)):
            if value not in allowed:
                raise ValueError(f"{name} = {value!r}; allowed: {', '.join(map(str, allowed))}")
        if not 1 <= (reach or k) <= k:
            raise ValueError(f"reach = {reach}; allowed: 1 to k = {k}")
        if not 0 < pretrain_share < 1:
            raise ValueError(f"pretrain_share = {pretrain_share}; allowed: between 0 and 1, both excluded")
        self.net = build(backbone, shape, width)
        self.k, self.reach, self.start, self.pretrain_share = k, reach or k, start, pretrain_share
        self.distance, self.bandwidths = loss, tuple(bandwidths)
        self.batch_size, self.lr, self.lr_adam, self.ema_decay = batch_size, lr, lr_adam, ema_decay
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
        """The batch gives only the number of samples: the real side is the whole training split."""
        g = self.chain(torch.randn_like(batch.x)).flatten(1)
        if self.distance == "energy":
            return energy_distance(g, self.real)
        return mmd(g, self.real, self.lengths, self.weights)

    def chain(self, eps: Tensor) -> Tensor:
        """The k Euler steps from noise eps (B, C, H, W); gradient passes through the last `reach` of them."""
        x, times = eps, samplers.grid(self.k, eps)
        for step, t in enumerate(times[:-1]):
            with torch.set_grad_enabled(torch.is_grad_enabled() and step >= self.k - self.reach):
                x = x - self.net(x, t, t) / self.k
        return x

    def link(self) -> nn.Module:
        return self.net

    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "euler") -> Tensor:
        eps = torch.randn(n, *self.shape, generator=generator, device=self.device)
        return samplers.euler(self.net, eps, nfe).clamp(-1, 1)
