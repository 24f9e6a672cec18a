"""Multi-step unrolled training: one distributional loss on the final samples, back through the whole sampling chain.

Source: the chain is the Euler sampler of flow matching (Lipman et al. 2023) with gradients on. The loss is the unbiased
MMD of Gretton et al. 2012, equation 3, as MMD-DDM (Aiyer et al. 2023, arXiv 2301.07969) uses it to fine-tune a DDPM; or
the energy distance; or the drift of arXiv 2602.04770 (`parts/losses/sample_loss.py`). Gradient through the last steps
alone: DRaFT-K (Clark et al. 2023, arXiv 2309.17400).

symbol    meaning                                                              shape
eps       standard normal noise, the start of the chain                        (B, C, H, W)
x         state of the chain; t = 1 at eps, 0 at the sample                    (B, C, H, W)
k         steps of the chain = evaluations per sample (NFE)
reach     number of the k steps whose network evaluation receives gradient
label     class, where the network is conditioned on it                        (B,)
g         samples, flattened, beside their one-hot classes if conditional      (B, D)
real      the training split in the same form                                  (N, D)

Differs: it also trains from scratch. The real side is the training split or a large draw of it, not a batch. The
kernels are Laplacian, on pixels, and narrow, since wide ones (and the energy distance) blur (results/LOG.md). The
network predicts the velocity and the sampler is Euler: with a predicted eps the gradient falls on the noisiest step
alone.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import torch
from torch import Tensor, nn

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow.flow import draw_rows
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.flow.gradient_cache import cached_loss
from paradigms.parts.flow.prediction import OF_ANY_STEP
from paradigms.parts.flow.unrolled_chain import check_steps, unroll
from paradigms.parts.losses.sample_loss import N_REAL, SampleLoss
from paradigms.parts.networks.encoder import Encoder
from paradigms.parts.optimizers.choice import OPTIMIZERS, chosen
from paradigms.parts.options import one_of, positive

CHOICES = {"reached": ("last", "drawn"), "space": ("pixels", "features"), "prediction": OF_ANY_STEP}
CHOICES |= {"optimizer": OPTIMIZERS}
ENCODER_SHARE = 0.1  # of the paradigm's own budget, where the loss compares features too
N_FEATURES_FROM = 2000  # training images whose features set the lengths of the kernels on features


class Unrolled(FlowChain, Paradigm):
    """One loss on the samples of a chain of k Euler steps.

    Network
        backbone: "unet" or "mlp".
        width: channels or hidden units of the backbone; None for its default.
        prediction: the network's output, "velocity", or "image", the end of the chain.
        conditional: whether the network is conditioned on the class.
    Chain
        k: steps, one of `STEPS`.
        reach: steps with gradient, 1 to k; None for all.
        reached: which steps these are, the "last" ones or ones "drawn" anew in every update. A step without gradient
            adds its velocity as a constant, so earlier steps still receive gradient along the straight part.
    Loss
        loss: "mmd", "energy" or "drifting".
        scales: of its kernels, as in `SampleLoss`; None for its defaults.
        space: "pixels", or "features" to add the same loss on the codes of an `Encoder`, trained first.
    Optimisation
        optimizer: "muon", or "adam" for all parameters, as published.
        lr: Muon's learning rate, for convolutions.
        lr_adam: Adam's learning rate, for all other parameters.
        batch_size: samples per update.
        cached_rows: samples whose chain has a graph at a time (gradient caching), which bounds memory; None for all.
        ema_decay: ceiling of the per-update decay of the weights' average.
    """

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
        backbone: str = "unet",
        width: int | None = None,
        prediction: str = "velocity",
        conditional: bool = False,
        k: int = 4,
        reach: int | None = None,
        reached: str = "last",
        loss: str = "mmd",
        scales: Sequence[float] | None = None,
        space: str = "pixels",
        optimizer: str = "muon",
        lr: float = 1e-2,
        lr_adam: float = 2e-3,
        batch_size: int = 128,
        cached_rows: int | None = None,
        ema_decay: float = 0.999,
    ):
        super().__init__(shape, n_classes, conditional)
        one_of(CHOICES, reached=reached, space=space, prediction=prediction, optimizer=optimizer)
        check_steps(k, reach or k)
        positive(batch_size=batch_size, cached_rows=cached_rows or 1)
        self.net = self.network(backbone, width, prediction)
        self.encoder = Encoder(shape) if space == "features" else None
        self.losses = nn.ModuleList(SampleLoss(loss, scales) for _ in range(2 if self.encoder else 1))
        self.k, self.reach, self.reached = k, reach or k, reached
        self.optimizer, self.lr, self.lr_adam, self.ema_decay = optimizer, lr, lr_adam, ema_decay
        self.batch_size, self.cached_rows = batch_size, cached_rows
        self.register_buffer("real", torch.empty(0), persistent=False)

    def observe(self, x: Tensor, label: Tensor) -> None:
        super().observe(x, label)
        self.real = self.joint(x, self.condition(label))
        self.losses[0].observe(self.real)

    def stages(self) -> list[Stage]:
        encoder = [self.encoder.stage(ENCODER_SHARE)] if self.encoder else []
        share = 1 - sum(stage.share for stage in encoder)
        # The host draws which steps are reached, so a CUDA graph would freeze the draw.
        steady = self.reached == "last"
        changes = {"share": share, "begin": self.begin_unrolled, "steady": steady}
        changes["optimizer"] = chosen(self.optimizer, self.lr, self.lr_adam)
        return [*encoder, self.net_stage("unrolled", self.loss, **changes)]

    def begin_unrolled(self) -> None:
        if self.encoder:
            self.losses[1].observe(self.codes(self.real[:N_FEATURES_FROM]))

    def loss(self, batch: Batch) -> Tensor:
        """Returns the distance of fresh samples from the training split, a scalar.

        batch: gives the number of samples and, if the network is conditioned on them, their classes.
        """
        eps, real, steps = torch.randn_like(batch.x), draw_rows(self.real, N_REAL), self.steps_with_gradient()

        def draw(eps: Tensor, label: Tensor) -> Tensor:
            condition = self.condition(label)
            return self.joint(self.chain(eps, steps, condition), condition)

        def distance(g: Tensor) -> Tensor:
            return self.distance(g, real)

        if self.cached_rows is None:
            return distance(draw(eps, batch.label))
        return cached_loss(draw, distance, (eps, batch.label), list(self.net.parameters()), self.cached_rows)

    def distance(self, g: Tensor, real: Tensor) -> Tensor:
        """Returns the loss between samples g (B, D) and real rows (M, D), a scalar."""
        value = self.losses[0](g, real)
        return value + self.losses[1](self.codes(g), self.codes(real)) if self.encoder else value

    def codes(self, rows: Tensor) -> Tensor:
        """Returns the encoder's codes (B, n) of the images in rows (B, D), without their classes."""
        return self.encoder(rows[:, : self.data.shape[1]].view(-1, *self.shape))

    def steps_with_gradient(self) -> set[int]:
        """Returns the numbers of the steps whose network receives gradient: the last `reach`, or as many drawn."""
        if self.reached == "last":
            return set(range(self.k - self.reach, self.k))
        return set(torch.randperm(self.k)[: self.reach].tolist())

    def chain(self, eps: Tensor, steps: Collection[int] | None = None, label: Tensor | None = None) -> Tensor:
        """Returns the samples (B, C, H, W) at the end of k Euler steps.

        eps: noise, (B, C, H, W).
        steps: numbers of the steps whose network receives gradient; None for all.
        label: classes, (B,), or None for an unconditional network.
        """
        return unroll(self.field(label), eps, self.k, steps)
