"""Per-step diffusion as flow matching: each update trains one link of the sampling chain on its own local target.

Source: Lipman et al., "Flow Matching for Generative Modeling", ICLR 2023 (conditional OT path, equations 20 to 23);
times as in Esser et al. 2024 (arXiv 2403.03206), section 3.1 (logit-normal). Formulation "edm": Karras et al., NeurIPS
2022, as a velocity in `parts/flow/prediction.py`; its published times are t_mean = -1.2, t_std = 1.2.

symbol    meaning                                         shape
x         data, in [-1, 1]                                (B, C, H, W)
eps       standard normal noise                           (B, C, H, W)
t         time, 0 = data, 1 = noise                       (B,)
x_t       (1 - t) x + t eps                               (B, C, H, W)
net       net(x_t, t, r = t): the velocity E[eps - x|x_t] (B, C, H, W)
label     class, where the network is conditioned on it   (B,)

Differs: time runs from data to noise. The target is the mean velocity over the training split instead of one draw of it
(Xu, Tong & Jaakkola, ICLR 2023), and the optimiser is Muon; together they save more than half of the updates
(results/LOG.md). The decay of the weights' average ramps up, because a constant one spoils short runs.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor

from paradigms.base import Paradigm, Stage
from paradigms.parts.flow.flow import T_MEAN, T_STD, VELOCITIES, flow_matching_loss
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.flow.prediction import EDM
from paradigms.parts.optimizers.choice import OPTIMIZERS, chosen
from paradigms.parts.options import one_of

CHOICES = {"formulation": ("flow", "edm"), "velocity": VELOCITIES, "optimizer": OPTIMIZERS}


class Diffusion(FlowChain, Paradigm):
    """Flow matching.

    Network
        backbone: "unet" or "mlp".
        width: channels or hidden units of the backbone; None for its default.
        formulation: "flow", where the network predicts the velocity, or "edm".
        conditional: whether the network is conditioned on the class.
    Loss
        velocity: target, E[eps - x | x_t] over the training split ("marginal") or eps - x of the drawn pair
            ("conditional"), which has the same minimiser and a noisier gradient.
        t_mean, t_std: mean and standard deviation of logit(t).
    Optimisation
        optimizer: "muon", or "adam" for all parameters, as published.
        lr: Muon's learning rate, for convolutions.
        lr_adam: Adam's learning rate, for all other parameters.
        batch_size: images per update.
        ema_decay: ceiling of the per-update decay of the weights' average.
    """

    title = "Diffusion (per-step flow matching)"
    era = "step-wise"
    reference = "Lipman et al. 2023, arXiv 2210.02747"
    task = "generation"
    samplers = ("euler", "heun", "ipndm", "dpmpp")

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        backbone: str = "unet",
        width: int | None = None,
        formulation: str = "flow",
        conditional: bool = False,
        velocity: str = "marginal",
        t_mean: float = T_MEAN,
        t_std: float = T_STD,
        optimizer: str = "muon",
        lr: float = 2e-2,
        lr_adam: float = 5e-3,
        batch_size: int = 64,
        ema_decay: float = 0.999,
    ):
        super().__init__(shape, n_classes, conditional)
        one_of(CHOICES, formulation=formulation, velocity=velocity, optimizer=optimizer)
        self.net = self.network(backbone, width, formulation)
        self.target = {"velocity": velocity, "mean": t_mean, "std": t_std}
        self.optimizer, self.lr, self.lr_adam = optimizer, lr, lr_adam
        self.batch_size, self.ema_decay = batch_size, ema_decay

    def observe(self, x: Tensor, label: Tensor) -> None:
        super().observe(x, label)
        if isinstance(self.net, EDM):
            self.net.observe(x)

    def stages(self) -> list[Stage]:
        weight = self.net.weight if isinstance(self.net, EDM) else None
        loss = partial(flow_matching_loss, self.net, data=self.rows, weight=weight, **self.target)
        optimizer = chosen(self.optimizer, self.lr, self.lr_adam)
        return [self.net_stage("flow matching", loss, optimizer=optimizer)]
