"""Drifting: one step from noise to image, trained by moving every sample to where real ones attract it.

Source: "Generative Modeling via Drifting", 2026, arXiv 2602.04770: algorithm 1 (the loss), algorithm 2 (the drift, in
`parts/losses/drift.py`).

symbol    meaning                                                           shape
eps       standard normal noise                                             (B, C, H, W)
net       net(x_t, t, r): the step from noise t = 1 to data r = 0           (B, C, H, W)
g         eps - net(eps, 1, 0), the samples                                 (B, C, H, W)
real      training images that attract, flattened, beside their one-hot     (M, D)
          classes if conditional
label     class, where the network is conditioned on it                     (B,)

Differs: the drift is taken on pixels; the paper takes it on features of an encoder that was pre-trained on other data.
Classes, if the network is conditioned on them, are coordinates beside the pixels. The real side is the whole training
split where it is small, else a new draw of it in every update. The optimiser is Muon, as for all generators here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow.flow import draw_rows
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.flow.prediction import OF_ANY_STEP
from paradigms.parts.losses.sample_loss import N_REAL, SampleLoss
from paradigms.parts.options import one_of, positive


class Drifting(FlowChain, Paradigm):
    """One-step generator trained by drifting.

    Network
        backbone: "unet" or "mlp".
        width: channels or hidden units of the backbone; None for its default.
        prediction: the network's output, "velocity", from noise to sample, or "image", the sample itself.
        conditional: whether the network is conditioned on the class.
    Loss
        scales: temperatures of the drift's affinity, in units of the mean distance; None for those of `SampleLoss`.
    Optimisation
        lr: Muon's learning rate, for convolutions.
        lr_adam: Adam's learning rate, for all other parameters.
        batch_size: samples per update.
        ema_decay: ceiling of the per-update decay of the weights' average.
    """

    title = "Drifting (one step)"
    era = "end-to-end"
    reference = "arXiv 2602.04770"
    task = "generation"
    samplers = ("jump",)

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        backbone: str = "unet",
        width: int | None = None,
        prediction: str = "velocity",
        conditional: bool = False,
        scales: Sequence[float] | None = None,
        lr: float = 1e-2,
        lr_adam: float = 2e-3,
        batch_size: int = 128,
        ema_decay: float = 0.999,
    ):
        super().__init__(shape, n_classes, conditional)
        positive(batch_size=batch_size)
        one_of({"prediction": OF_ANY_STEP}, prediction=prediction)
        self.net = self.network(backbone, width, prediction)
        self.apart = SampleLoss("drifting", scales)  # the name is part of saved weights
        self.lr, self.lr_adam, self.batch_size, self.ema_decay = lr, lr_adam, batch_size, ema_decay
        self.register_buffer("real", torch.empty(0), persistent=False)

    def observe(self, x: Tensor, label: Tensor) -> None:
        super().observe(x, label)
        self.real = self.joint(x, self.condition(label))

    def stages(self) -> list[Stage]:
        return [self.net_stage("drifting", self.loss)]

    def loss(self, batch: Batch) -> Tensor:
        """Returns the drifting loss of fresh samples against the training split, a scalar.

        batch: gives the number of samples and, if the network is conditioned on them, their classes.
        """
        eps, label = torch.randn_like(batch.x), self.condition(batch.label)
        one = torch.ones(len(eps), dtype=eps.dtype, device=eps.device)
        g = eps - self.field(label)(eps, one, torch.zeros_like(one))
        return self.apart(self.joint(g, label), draw_rows(self.real, N_REAL))

    def allows(self, nfe: int, sampler: str) -> bool:
        return nfe == 1
