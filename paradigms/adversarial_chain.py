"""A whole sampling chain as the generator of a GAN: one adversarial loss at its end, back through all its steps.

Source: chains of networks trained end to end by an adversarial loss without intermediate supervision: "Adversarial Flow
Models", 2025 (arXiv 2511.22475); the losses: R3GAN (arXiv 2501.05441), equations 2 to 4; gradient through the last
steps alone: DRaFT-K (Clark et al. 2023, arXiv 2309.17400).

symbol    meaning                                                              shape
x         real images, in [-1, 1]                                              (B, C, H, W)
eps       standard normal noise, the start of the chain                        (B, C, H, W)
g         end of k Euler steps from eps, the samples                           (B, C, H, W)
k         steps of the chain = evaluations per sample (NFE)
reach     number of the last steps whose network evaluation receives gradient
judge     discriminator, images -> scores                                      (B, 1)
label     class, where both networks are conditioned on it                     (B,)

    chain            E softplus(judge(x) - judge(g))
    discriminator    E softplus(judge(g) - judge(x)) + gamma / 2 (E |grad judge(x)|^2 + E |grad judge(g)|^2)

Differs: the steps share one network, the velocity of a flow, so that the chain can start from diffusion; in the source
every step has layers of its own. The source adds an optimal-transport term that ties a sample to its noise. The
generator's optimiser is Muon, as for all chains here. Both players are charged to the budget.
"""

from __future__ import annotations

import torch
from torch import Tensor

from paradigms.base import Batch, Paradigm, Player, Stage
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.flow.prediction import OF_ANY_STEP
from paradigms.parts.flow.unrolled_chain import check_steps, unroll
from paradigms.parts.losses.adversarial import adam_of_players, discriminator_loss, generator_loss
from paradigms.parts.networks.strided import Strided
from paradigms.parts.options import not_negative, one_of, positive


class AdversarialChain(FlowChain, Paradigm):
    """An adversarial loss on the samples of a chain of k Euler steps.

    Network
        backbone: "unet", "mlp", or, for k = 1, "code".
        width: channels or hidden units of the backbone; None for its default.
        prediction: the network's output, "velocity", or "image", the end of the chain.
        judge_width: channels of the discriminator's first layer.
        conditional: whether both networks are conditioned on the class.
    Chain
        k: steps, one of `STEPS`.
        reach: number of the last steps with gradient, 1 to k; None for all.
    Loss
        gamma: weight of the gradient penalties, at least 0.
    Optimisation
        lr: Muon's learning rate, for convolutions of the chain.
        lr_adam: Adam's learning rate, for all its other parameters.
        lr_judge: Adam's learning rate, of the discriminator.
        batch_size: samples, and real images, per update.
        ema_decay: ceiling of the per-update decay of the weights' average.
    """

    title = "Adversarial chain (one loss through all steps)"
    era = "end-to-end"
    reference = "Adversarial Flow Models 2025, arXiv 2511.22475"
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
        judge_width: int = 12,
        conditional: bool = False,
        k: int = 4,
        reach: int | None = None,
        gamma: float = 0.1,
        lr: float = 1e-2,
        lr_adam: float = 2e-3,
        lr_judge: float = 5e-3,
        batch_size: int = 64,
        ema_decay: float = 0.999,
    ):
        super().__init__(shape, n_classes, conditional)
        one_of({"prediction": OF_ANY_STEP}, prediction=prediction)
        check_steps(k, reach or k)
        positive(batch_size=batch_size, judge_width=judge_width)
        not_negative(gamma=gamma)
        self.net = self.network(backbone, width, prediction)
        self.judge = Strided(shape, judge_width, 1, bias=False, n_classes=n_classes if conditional else 0)
        self.k, self.reach, self.gamma = k, reach or k, gamma
        self.lr, self.lr_adam, self.lr_judge = lr, lr_adam, lr_judge
        self.batch_size, self.ema_decay = batch_size, ema_decay

    def stages(self) -> list[Stage]:
        judge = Player(list(self.judge.parameters()), self.judge_loss, adam_of_players(self.lr_judge))
        return [self.net_stage("game", self.loss, rivals=[judge])]

    def loss(self, batch: Batch) -> Tensor:
        """Returns the chain's loss, a scalar."""
        return generator_loss(self.judge, batch.x, self.draw(batch), self.condition(batch.label))

    def judge_loss(self, batch: Batch) -> Tensor:
        """Returns the discriminator's loss, a scalar."""
        return discriminator_loss(self.judge, batch.x, self.draw(batch), self.gamma, self.condition(batch.label))

    def draw(self, batch: Batch) -> Tensor:
        """Returns as many samples (B, C, H, W) as `batch` has images, of their classes if conditional."""
        eps, steps = torch.randn_like(batch.x), range(self.k - self.reach, self.k)
        return unroll(self.field(self.condition(batch.label)), eps, self.k, steps)
