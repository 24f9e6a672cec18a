"""GAN: one loss through one generator since 2014, in its modern form.

Source: Goodfellow et al., "Generative Adversarial Nets", NeurIPS 2014; the losses, penalties and optimiser: Huang et
al., "The GAN is dead; long live the GAN! A modern GAN baseline" (R3GAN), NeurIPS 2024 (arXiv 2501.05441), equations 2
to 4.

symbol    meaning                                                           shape
x         real images, in [-1, 1]                                           (B, C, H, W)
eps       standard normal noise; the code of the small generator is its     (B, C, H, W)
          first 64 numbers
net       net(x_t, t, r): the step from noise t = 1 to data r = 0           (B, C, H, W)
g         eps - net(eps, 1, 0), the samples                                 (B, C, H, W)
judge     discriminator, images -> scores                                   (B, 1)
label     class, where both networks are conditioned on it                  (B,)

    generator        E softplus(judge(x) - judge(g))
    discriminator    E softplus(judge(g) - judge(x)) + gamma / 2 (E |grad judge(x)|^2 + E |grad judge(g)|^2)

Differs: R3GAN's losses without its large residual networks and without their initialisation; the weight of the
penalties is constant, in R3GAN it falls. With backbone = "unet" the generator is the network that all flows here share,
at the times (1, 0) of a one-step flow. Both players are charged to the budget.
"""

from __future__ import annotations

import torch
from torch import Tensor

from paradigms.base import Batch, Paradigm, Player, Stage
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.losses.adversarial import adam_of_players, discriminator_loss, generator_loss
from paradigms.parts.networks.strided import Strided
from paradigms.parts.options import not_negative, positive


class GAN(FlowChain, Paradigm):
    """One-step generator trained against a discriminator.

    Network
        backbone: "code", "unet" or "mlp".
        width: channels or hidden units of the backbone; None for its default.
        judge_width: channels of the discriminator's first layer.
        conditional: whether both networks are conditioned on the class.
    Loss
        gamma: weight of the gradient penalties, at least 0.
    Optimisation
        lr, lr_judge: Adam's learning rates, of generator and discriminator.
        batch_size: samples, and real images, per update.
        ema_decay: ceiling of the per-update decay of the weights' average.
    """

    title = "GAN (one step, adversarial loss)"
    era = "end-to-end"
    reference = "Huang et al. 2024, arXiv 2501.05441"
    task = "generation"
    samplers = ("jump",)

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        backbone: str = "code",
        width: int | None = None,
        judge_width: int = 12,
        conditional: bool = False,
        gamma: float = 0.1,
        lr: float = 5e-3,
        lr_judge: float = 5e-3,
        batch_size: int = 64,
        ema_decay: float = 0.999,
    ):
        super().__init__(shape, n_classes, conditional)
        positive(batch_size=batch_size, judge_width=judge_width)
        not_negative(gamma=gamma)
        self.net = self.network(backbone, width)
        self.judge = Strided(shape, judge_width, 1, bias=False, n_classes=n_classes if conditional else 0)
        self.gamma, self.lr, self.lr_judge = gamma, lr, lr_judge
        self.batch_size, self.ema_decay = batch_size, ema_decay

    def stages(self) -> list[Stage]:
        judge = Player(list(self.judge.parameters()), self.judge_loss, adam_of_players(self.lr_judge))
        settings = {"batch_size": self.batch_size, "ema_decay": self.ema_decay, "steady": True}
        net, optimizer = list(self.net.parameters()), adam_of_players(self.lr)
        return [Stage("game", net, self.loss, optimizer=optimizer, rivals=[judge], **settings)]

    def loss(self, batch: Batch) -> Tensor:
        """Returns the generator's loss, a scalar."""
        return generator_loss(self.judge, batch.x, self.draw(batch), self.condition(batch.label))

    def judge_loss(self, batch: Batch) -> Tensor:
        """Returns the discriminator's loss, a scalar."""
        return discriminator_loss(self.judge, batch.x, self.draw(batch), self.gamma, self.condition(batch.label))

    def draw(self, batch: Batch) -> Tensor:
        """Returns as many samples (B, C, H, W) as `batch` has images, of their classes if conditional."""
        eps = torch.randn_like(batch.x)
        one = torch.ones(len(eps), dtype=eps.dtype, device=eps.device)
        return eps - self.field(self.condition(batch.label))(eps, one, torch.zeros_like(one))

    def allows(self, nfe: int, sampler: str) -> bool:
        return nfe == 1
