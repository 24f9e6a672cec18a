"""Drifting: one step from noise to image, trained by moving every sample to where real ones pull it.

Source: "Generative Modeling via Drifting", 2026, arXiv 2602.04770: algorithm 1 (the loss), algorithm 2 (the drift, in
`parts/drift`).

symbol         meaning                                                  shape
eps            standard normal noise                                    (B, C, H, W)
net            net(x_t, t, r): the step from noise t = 1 to data r = 0  (B, C, H, W)
g              eps - net(eps, 1, 0), the samples                        (B, C, H, W)
real           training images that pull, flattened                     (M, C H W)
label          the class, where the network is told it                  (B,)

Differs: no features of an encoder, whose data would be others' than the rest of the bench has; classes, if told, are
coordinates beside the pixels; the real side is the whole training split where it is small, else a draw of it anew in
every update; Muon, as all generators.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow.flow import draw_rows
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.flow.prediction import OF_ANY_STEP
from paradigms.parts.losses.sample_loss import SampleLoss
from paradigms.parts.options import one_of, positive


class Drifting(FlowChain, Paradigm):
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
        scales: Sequence[float] | None = None,
        n_real: int = 4096,
        batch_size: int = 128,
        lr: float = 1e-2,
        lr_adam: float = 2e-3,
        backbone: str = "unet",
        width: int | None = None,
        prediction: str = "velocity",
        ema_decay: float = 0.999,
        conditional: bool = False,
    ):
        """scales: temperatures of the affinity, in units of the mean distance; None for those of `SampleLoss`. n_real:
        training images that an update sees at most. lr, lr_adam: Muon's and, for what is no matrix, Adam's.
        prediction: of the network: "velocity", from noise to sample, or "image", the sample itself. conditional: the
        network is told the class."""
        super().__init__(shape, n_classes, conditional)
        positive(n_real=n_real, batch_size=batch_size)
        one_of({"prediction": OF_ANY_STEP}, prediction=prediction)
        self.net = self.network(backbone, width, prediction)
        self.apart, self.n_real = SampleLoss("drifting", scales), n_real
        self.batch_size, self.lr, self.lr_adam, self.ema_decay = batch_size, lr, lr_adam, ema_decay
        self.register_buffer("real", torch.empty(0), persistent=False)

    def observe(self, x: Tensor, label: Tensor) -> None:
        super().observe(x, label)
        self.real = self.joint(x, self.told(label))

    def stages(self) -> list[Stage]:
        return [self.net_stage("drifting", self.loss)]

    def loss(self, batch: Batch) -> Tensor:
        """The batch gives only the number of samples: the real side is the training split."""
        eps, label = torch.randn_like(batch.x), self.told(batch.label)
        one = torch.ones(len(eps), dtype=eps.dtype, device=eps.device)
        g = eps - self.field(label)(eps, one, torch.zeros_like(one))
        return self.apart(self.joint(g, label), draw_rows(self.real, self.n_real))

    def allows(self, nfe: int, sampler: str) -> bool:
        return nfe == 1
