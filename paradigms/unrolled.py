"""Multi-step unrolled training: one distributional loss on the final samples, back through the whole sampling chain.

Source: the chain is the Euler sampler of flow matching (Lipman et al. 2023) with gradients on; the loss is the unbiased
MMD of Gretton et al. 2012, equation 3, as MMD-DDM (Aiyer et al. 2023, arXiv 2301.07969) uses it to fine-tune a DDPM; or
the energy distance, or the drift of arXiv 2602.04770 (`parts/sample_loss`). Fewer steps with gradient: the last ones as
DRaFT-K (arXiv 2309.17400) has it, or drawn ones, whose gradient comes along the straight part of the chain.

symbol    meaning                                               shape
eps       standard normal noise, the start of the chain         (B, C, H, W)
x         state of the chain; t = 1 at eps, 0 at the sample     (B, C, H, W)
K         steps of the chain = evaluations a sample (NFE)
reach     steps of the K whose network gets gradient
label     the class, where the network is told it               (B,)
real      the training split, flattened, its classes beside it  (N, D)

Differs: trains from scratch too; the real side is the training split, not a batch; the kernels are Laplacian, on
pixels and narrow, since wide ones (and the energy distance) blur (results/LOG.md); velocity with Euler, not
eps-prediction, whose gradient falls on the noisiest step alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow import samplers
from paradigms.parts.flow.flow import draw_rows, flow_matching_stage, over_image
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.flow.gradient_cache import cached_loss
from paradigms.parts.flow.prediction import OF_ANY_STEP
from paradigms.parts.losses.sample_loss import SampleLoss
from paradigms.parts.networks.encoder import Encoder
from paradigms.parts.options import inside, one_of, positive

STEPS = (1, 2, 4, 8)
CHOICES = {"start": ("scratch", "diffusion"), "reached": ("last", "drawn"), "space": ("pixels", "features")}
CHOICES |= {"prediction": OF_ANY_STEP}
ENCODER_SHARE = 0.05  # of the budget, where the loss sees features too
N_SEEN = 2000  # training images whose features give the kernels their lengths


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
        scales: Sequence[float] | None = None,
        space: str = "pixels",
        n_real: int = 4096,
        batch_size: int = 128,
        cached_rows: int | None = None,
        checkpointed: bool = False,
        lr: float = 1e-2,
        lr_adam: float = 2e-3,
        backbone: str = "unet",
        width: int | None = None,
        prediction: str = "velocity",
        ema_decay: float = 0.999,
        conditional: bool = False,
    ):
        """k: steps of the chain. reach, reached: how many get gradient (None: all), and which. start: "diffusion": flow
        matching comes first, on `pretrain_share` of the budget. loss, scales: as in `SampleLoss`. space: "features":
        also on codes of an `Encoder`. n_real: training images an update sees. cached_rows: rows that have a graph at a
        time. checkpointed: steps are run again going back. prediction: see `predicting`. conditional: on the class."""
        super().__init__(shape, n_classes, conditional)
        one_of(CHOICES, start=start, reached=reached, space=space, prediction=prediction)
        _check(k, reach or k, pretrain_share, space)
        positive(n_real=n_real, batch_size=batch_size, cached_rows=cached_rows or 1)
        self.net = self.network(backbone, width, prediction)
        self.encoder = Encoder(shape) if space == "features" else None
        self.losses = nn.ModuleList(SampleLoss(loss, scales) for _ in range(2 if self.encoder else 1))
        self.k, self.reach, self.reached, self.checkpointed = k, reach or k, reached, checkpointed
        self.start, self.pretrain_share, self.ema_decay, self.n_real = start, pretrain_share, ema_decay, n_real
        self.batch_size, self.cached_rows, self.lr, self.lr_adam = batch_size, cached_rows, lr, lr_adam
        self.register_buffer("real", torch.empty(0), persistent=False)

    def observe(self, x: Tensor, label: Tensor) -> None:
        super().observe(x, label)
        self.real = self.joint(x, self.told(label))
        self.losses[0].observe(self.real)

    def stages(self) -> list[Stage]:
        before = []
        if self.encoder:
            before.append(self.encoder.stage(ENCODER_SHARE))
        if self.start == "diffusion":
            before.append(flow_matching_stage(self.net, self.rows, ema_decay=self.ema_decay, share=self.pretrain_share))
        share = 1 - sum(stage.share for stage in before)
        # Drawn steps are drawn by the host, and going back again asks it for the state of the random stream.
        changes = {"begin": self.begin_unrolled, "steady": self.reached == "last" and not self.checkpointed}
        return [*before, self.net_stage("unrolled", self.loss, share=share, **changes)]

    def begin_unrolled(self) -> None:
        if self.encoder:
            self.losses[1].observe(self.codes(self.real[:N_SEEN]))

    def loss(self, batch: Batch) -> Tensor:
        """The batch gives the number of samples and, if told, their classes: the real side is the training split."""
        eps, real, steps = torch.randn_like(batch.x), draw_rows(self.real, self.n_real), self.steps_with_gradient()

        def draw(eps: Tensor, label: Tensor) -> Tensor:
            told = self.told(label)
            return self.joint(self.chain(eps, steps, told), told)

        def apart(g: Tensor) -> Tensor:
            return self.apart(g, real)

        if self.cached_rows is None:
            return apart(draw(eps, batch.label))
        return cached_loss(draw, apart, (eps, batch.label), list(self.net.parameters()), self.cached_rows)

    def apart(self, g: Tensor, real: Tensor) -> Tensor:
        """How far samples g (B, D) are from real ones (M, D), a scalar."""
        value = self.losses[0](g, real)
        return value + self.losses[1](self.codes(g), self.codes(real)) if self.encoder else value

    def codes(self, rows: Tensor) -> Tensor:
        """The encoder's codes (B, n) of rows (B, D), their classes, if any, left out."""
        return self.encoder(rows[:, : self.data.shape[1]].view(-1, *self.shape))

    def steps_with_gradient(self) -> set[int]:
        """Numbers of the steps whose network gets gradient: the last `reach`, or as many drawn anew."""
        if self.reached == "last":
            return set(range(self.k - self.reach, self.k))
        return set(torch.randperm(self.k)[: self.reach].tolist())

    def chain(self, eps: Tensor, steps: Collection[int] | None = None, label: Tensor | None = None) -> Tensor:
        """The k Euler steps from noise eps (B, C, H, W); the network gets gradient in `steps`, None for all.

        A step without it is a constant that is added, so what comes before it still reaches the end.
        """
        x, field = eps, self.field(label)
        for step, (t, r) in enumerate(pairwise(samplers.grid(self.k, eps))):
            with torch.set_grad_enabled(torch.is_grad_enabled() and (steps is None or step in steps)):
                if self.checkpointed and torch.is_grad_enabled():
                    velocity = checkpoint(field, x, t, t, use_reentrant=False)
                else:
                    velocity = field(x, t, t)
            x = x - over_image(t - r, x) * velocity
        return x


def _check(k: int, reach: int, pretrain_share: float, space: str) -> None:
    inside(1 - (ENCODER_SHARE if space == "features" else 0), pretrain_share=pretrain_share)
    if k not in STEPS:
        raise ValueError(f"k = {k!r}; allowed: {', '.join(map(str, STEPS))}")
    if not 1 <= reach <= k:
        raise ValueError(f"reach = {reach}; allowed: 1 to k = {k}")
