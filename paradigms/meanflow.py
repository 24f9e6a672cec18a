"""MeanFlow: one network for the average velocity between any two times, so that one step can be the whole chain.

Source: Geng et al., "Mean Flows for One-step Generative Modeling", 2025 (arXiv 2505.13447), equations 6 (identity),
9 to 11 (loss), 12 (sampling), 22 (adaptive weight); predicted tangent from "Improved Mean Flows" (arXiv 2512.02012).

symbol    meaning                                                         shape
x, eps    data in [-1, 1]; standard normal noise                          (B, C, H, W)
r, t      times, 0 = data, 1 = noise, r <= t                              (B,)
x_t       (1 - t) x + t eps                                               (B, C, H, W)
velocity  E[eps - x | x_t] over the training split, or eps - x itself     (B, C, H, W)
u         net(x_t, t, r): average velocity between r and t                (B, C, H, W)
tangent   d/dt u along the path = velocity . du/dx + du/dt                (B, C, H, W)

Differs: the velocity is the mean over the training split, as in `diffusion`, which the identity is about, where the
paper has one draw of it; the tangent is computed without gradient and on the r < t rows only, by default as a
difference quotient that reuses the gradient pass's output; a share of those rows starts near t = 1, where sampling
starts and the logit-normal draw hardly ever is; weight power .5 where the paper has 1, which favours the modes with
small errors: zeros, on the digits (all in results/LOG.md).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts import samplers
from paradigms.parts.backbone import build
from paradigms.parts.flow import checked_velocity, logit_normal, on_path, over_image, target_velocity
from paradigms.parts.flow_chain import FlowChain
from paradigms.parts.muon import muon

TANGENTS = ("target", "predicted")
DERIVATIVES = ("difference", "jvp")
STEP = 0.002  # of the difference quotient, in units of t


class MeanFlow(FlowChain, Paradigm):
    title = "MeanFlow (one-step identity)"
    era = "towards end-to-end"
    reference = "Geng et al. 2025, arXiv 2505.13447"
    task = "generation"
    samplers = ("jump", "euler")

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        interval_share: float = 0.4,
        corner_share: float = 0.5,
        velocity: str = "marginal",
        tangent: str = "target",
        derivative: str = "difference",
        lr: float = 1e-2,
        lr_adam: float = 3e-3,
        batch_size: int = 64,
        t_mean: float = -0.4,
        t_std: float = 1.0,
        weight_power: float = 0.5,
        weight_floor: float = 0.01,
        backbone: str = "unet",
        width: int | None = None,
        ema_decay: float = 0.999,
    ):
        """interval_share: share of rows with r < t; the others are flow matching. corner_share: share of those rows
        with t near 1 and r all the way down. velocity: in the target, "marginal" or "conditional" as in `diffusion`.
        tangent: direction of the derivative, the "target" velocity or the "predicted" one (u at r = t). derivative:
        "difference" quotient, or "jvp", exact and dearer. lr, lr_adam: Muon's and, for what is no matrix, Adam's.
        weight_power, weight_floor: p and c of the adaptive weight 1 / (squared error + c)^p."""
        super().__init__(shape, n_classes)
        choices = {"tangent": (tangent, TANGENTS), "derivative": (derivative, DERIVATIVES)}
        for name, (value, allowed) in choices.items():
            if value not in allowed:
                raise ValueError(f"{name} = {value!r}; allowed: {', '.join(allowed)}")
        for name, value in (("interval_share", interval_share), ("corner_share", corner_share)):
            if not 0 <= value <= 1:
                raise ValueError(f"{name} = {value}; allowed: 0 to 1")
        self.net = build(backbone, shape, width)
        self.interval_share, self.corner_share = interval_share, corner_share
        self.velocity, self.tangent, self.derivative = checked_velocity(velocity), tangent, derivative
        self.t_mean, self.t_std = t_mean, t_std
        self.lr, self.lr_adam, self.batch_size = lr, lr_adam, batch_size
        self.weight_power, self.weight_floor, self.ema_decay = weight_power, weight_floor, ema_decay
        self.register_buffer("data", torch.empty(0), persistent=False)

    def observe(self, x: Tensor, label: Tensor) -> None:
        self.data = x.flatten(1)

    def stages(self) -> list[Stage]:
        return [
            Stage(
                "mean flow",
                list(self.net.parameters()),
                self.loss,
                batch_size=self.batch_size,
                optimizer=muon(self.lr, self.lr_adam),
                ema_decay=self.ema_decay,
            )
        ]

    def loss(self, batch: Batch) -> Tensor:
        x, eps = batch.x, torch.randn_like(batch.x)
        r, t = self.draw_times(x)
        x_t, velocity = on_path(x, eps, t), target_velocity(self.velocity, x, eps, t, self.data)
        u = self.net(x_t, t, r)
        squared = (u - self.target(x_t, t, r, velocity, u.detach())).square().flatten(1).sum(1)
        weight = (squared.detach() + self.weight_floor) ** -self.weight_power
        # Per pixel as far as the weight leaves a scale, so that losses read alike at every power.
        return (weight * squared).mean() / x[0].numel() ** (1 - self.weight_power)

    def draw_times(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """r <= t, (B,) each. Rows come in fixed order and counts (r = t, spread, corner): the data is shuffled."""
        n_interval = round(self.interval_share * len(x))
        n_corner = round(self.corner_share * n_interval)
        n_spread = n_interval - n_corner
        t_equal = logit_normal(len(x) - n_interval, self.t_mean, self.t_std, x)
        a, b = (logit_normal(n_spread, self.t_mean, self.t_std, x) for _ in range(2))
        w = torch.rand(2, n_corner, dtype=x.dtype, device=x.device).square()
        t_corner = 1 - w[1] / 2
        r = torch.cat([t_equal, torch.minimum(a, b), t_corner * w[0]])
        return r, torch.cat([t_equal, torch.maximum(a, b), t_corner])

    @torch.no_grad()
    def target(self, x_t: Tensor, t: Tensor, r: Tensor, velocity: Tensor, u: Tensor) -> Tensor:
        """velocity - (t - r) du/dt (equation 10), no gradient; the velocity itself on the leading rows with r = t.

        u: the network's own output at (x_t, t, r), which the difference quotient reuses.
        """
        n_equal = len(t) - round(self.interval_share * len(t))
        if n_equal == len(t):
            return velocity
        z, t, r, v = x_t[n_equal:], t[n_equal:], r[n_equal:], velocity[n_equal:]
        along = self.net(z, t, t) if self.tangent == "predicted" else v
        du_dt = self.derivative_along(z, t, r, along, u[n_equal:])
        return torch.cat([velocity[:n_equal], v - over_image(t - r, z) * du_dt])

    def derivative_along(self, z: Tensor, t: Tensor, r: Tensor, along: Tensor, u: Tensor) -> Tensor:
        """Derivative of the network in direction (dx, dt, dr) = (along, 1, 0); any other trains to a wrong field."""
        if self.derivative == "jvp":
            return torch.func.jvp(self.net, (z, t, r), (along, torch.ones_like(t), torch.zeros_like(r)))[1]
        # Backwards, so that t stays below 1; needs true float32. Costs one forward where the JVP costs three.
        return (u - self.net(z - STEP * along, t - STEP, r)) / STEP

    def link(self) -> nn.Module:
        return self.net

    def sample(self, n: int, nfe: int, generator: torch.Generator, sampler: str = "jump") -> Tensor:
        """`sampler` "jump" steps with u(x_t, t, r), "euler" follows the ODE with r = t."""
        eps = torch.randn(n, *self.shape, generator=generator, device=self.device)
        return samplers.SAMPLERS[sampler](self.net, eps, nfe).clamp(-1, 1)
