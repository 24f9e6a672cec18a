"""Per-step diffusion as flow matching: each update trains one link of the sampling chain on its own local target.

Source: Lipman et al., "Flow Matching for Generative Modeling", ICLR 2023 (conditional OT path, equations 20 to 23);
times as in Esser et al. 2024, section 3.1 (logit-normal). Formulation "edm": Karras et al., NeurIPS 2022, whose network
stands behind the same velocity (`parts/prediction`); its own times are t_mean = -1.2, t_std = 1.2.

symbol    meaning                                         shape
x         data, in [-1, 1]                                (B, C, H, W)
eps       standard normal noise                           (B, C, H, W)
t         time, 0 = data, 1 = noise                       (B,)
x_t       (1 - t) x + t eps                               (B, C, H, W)
net       net(x_t, t, r = t): the velocity E[eps - x|x_t] (B, C, H, W)
label     the class, where the network is told it         (B,)

Differs: time runs from data to noise; the target is the mean velocity over the training split instead of one draw of it
(Xu, Tong & Jaakkola, ICLR 2023), and the optimiser is Muon, which together save more than half of the updates
(results/LOG.md); the average of the weights ramps up, since a cold one spoils short runs.
"""

from __future__ import annotations

from torch import Tensor

from paradigms.base import Paradigm, Stage
from paradigms.parts.flow.flow import Field, checked_velocity, flow_matching_stage
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.flow.prediction import EDM, scaled_noise
from paradigms.parts.options import above_zero, one_of

FORMULATIONS = ("flow", "edm")


class Diffusion(FlowChain, Paradigm):
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
        velocity: str = "marginal",
        t_mean: float = -0.4,
        t_std: float = 1.0,
        lr: float = 2e-2,
        lr_adam: float = 5e-3,
        batch_size: int = 64,
        ema_decay: float = 0.999,
        conditional: bool = False,
        grid_power: float = 1.0,
        epsilon_scaling: float = 1.0,
    ):
        """formulation: "flow", the network predicts the velocity, or "edm". velocity: the target, E[eps - x | x_t] over
        the training split ("marginal") or eps - x ("conditional"), which has the same minimiser and more noise. t_mean,
        t_std: of logit(t). lr, lr_adam: Muon's and, for what is no matrix, Adam's. ema_decay: ceiling of the average's
        decay per update. conditional: the network is told the class. While sampling: grid_power, of the times, as in
        `samplers.grid`; epsilon_scaling, what predicted noise is divided by."""
        super().__init__(shape, n_classes, conditional)
        one_of({"formulation": FORMULATIONS}, formulation=formulation)
        above_zero(grid_power=grid_power, epsilon_scaling=epsilon_scaling)
        self.net = self.network(backbone, width, formulation)
        self.grid_power, self.epsilon_scaling = grid_power, epsilon_scaling
        self.recipe = {"velocity": checked_velocity(velocity), "mean": t_mean, "std": t_std, "lr": lr}
        self.recipe |= {"lr_adam": lr_adam, "batch_size": batch_size, "ema_decay": ema_decay}

    def observe(self, x: Tensor, label: Tensor) -> None:
        super().observe(x, label)
        if isinstance(self.net, EDM):
            self.net.observe(x)

    def stages(self) -> list[Stage]:
        weight = self.net.weight if isinstance(self.net, EDM) else None
        return [flow_matching_stage(self.net, self.rows, weight=weight, **self.recipe)]

    def field(self, label: Tensor | None) -> Field:
        return scaled_noise(super().field(label), self.epsilon_scaling)
