"""MeanFlow: one network for the average velocity between any two times, so that one step can be the whole chain.

Source: Geng et al., "Mean Flows for One-step Generative Modeling", 2025 (arXiv 2505.13447), equations 6 (identity),
9 to 11 (loss), 12 (sampling), 22 (adaptive weight); predicted tangent from "Improved Mean Flows" (arXiv 2512.02012);
the identity over a finite step: Guo et al., "SplitMeanFlow", 2025 (arXiv 2507.16884).

symbol    meaning                                                         shape
x, eps    data in [-1, 1]; standard normal noise                          (B, C, H, W)
r, t      times, 0 = data, 1 = noise, r <= t                              (B,)
x_t       (1 - t) x + t eps                                               (B, C, H, W)
velocity  E[eps - x | x_t] over the training split, or eps - x itself     (B, C, H, W)
u         net(x_t, t, r): average velocity between r and t                (B, C, H, W)
tangent   d/dt u along the path = velocity . du/dx + du/dt                (B, C, H, W)
s         a time between r and t, t - s a random share of t - r           (B,)
label     the class, where the network is told it                         (B,)

Differs: the velocity is the mean over the training split, as in `diffusion`, which the identity is about, where the
paper has one draw of it. The derivative along the path is by default a secant over a random part of the interval, which
carries what the network knows of shorter intervals further in one update than the exact tangent does. Targets
need no gradient and are computed on the r < t rows only. A share of those rows starts near t = 1, where sampling starts
and the logit-normal draw hardly ever is. Weight power .5 where the paper has 1, which favours the modes with small
errors: zeros, on the digits. All in results/LOG.md.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow.flow import (
    checked_velocity,
    flow_matching_stage,
    logit_normal,
    marginal_velocity,
    on_path,
    over_image,
    seen_with,
)
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.flow.prediction import OF_ANY_STEP
from paradigms.parts.flow.tangent import DERIVATIVES
from paradigms.parts.options import inside, one_of

CHOICES = {
    "tangent": ("target", "predicted"),
    "derivative": ("secant", *DERIVATIVES),
    "prediction": OF_ANY_STEP,
    "start": ("scratch", "diffusion"),
}
SECANT_SHARES = (0.1, 0.5)  # of the interval, between which the secant's length is drawn
SHORTEST = 1e-4  # interval that anything is divided by
WEIGHT_FLOOR = 0.01

Velocity = Callable[[Tensor, Tensor], Tensor]  # (x_t, t) -> velocity, for the rows with r < t


class MeanFlow(FlowChain, Paradigm):
    title = "MeanFlow (one-step identity)"
    era = "towards end-to-end"
    reference = "Geng et al. 2025, arXiv 2505.13447"
    task = "generation"
    samplers = ("jump", "euler")  # steps of u(x_t, t, r), and the ODE of r = t

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        interval_share: float = 0.4,
        corner_share: float = 0.5,
        velocity: str = "marginal",
        tangent: str = "target",
        derivative: str = "secant",
        lr: float = 2e-2,
        lr_adam: float = 5e-3,
        batch_size: int = 64,
        t_mean: float = -0.4,
        t_std: float = 1.0,
        r_mean: float | None = None,
        weight_power: float = 0.5,
        prediction: str = "velocity",
        start: str = "scratch",
        pretrain_share: float = 0.3,
        backbone: str = "unet",
        width: int | None = None,
        ema_decay: float = 0.999,
        conditional: bool = False,
    ):
        """interval_share: share of rows with r < t; the others are flow matching. corner_share: share of those rows
        with t near 1 and r all the way down. velocity: as in `diffusion`. tangent: of the derivative, that velocity
        ("target") or u at r = t ("predicted"). derivative: "secant", or exact by one of `DERIVATIVES`. lr, lr_adam:
        Muon's and, for what is no matrix, Adam's. r_mean: of logit(r), cut at t; None for the earlier of two draws of
        t. weight_power: p of the weight 1 / (squared error + c)^p. prediction: of the network. start: "diffusion": flow
        matching comes first, on `pretrain_share` of the budget. conditional: the network is told the class."""
        super().__init__(shape, n_classes, conditional)
        one_of(CHOICES, tangent=tangent, derivative=derivative, prediction=prediction, start=start)
        _check(velocity, tangent, derivative, pretrain_share, interval_share, corner_share)
        self.net = self.network(backbone, width, prediction)
        self.start, self.pretrain_share, self.batch_size = start, pretrain_share, batch_size
        self.interval_share, self.corner_share, self.velocity = interval_share, corner_share, velocity
        self.tangent, self.derivative, self.ema_decay = tangent, derivative, ema_decay
        self.t_mean, self.t_std, self.r_mean, self.weight_power = t_mean, t_std, r_mean, weight_power
        self.lr, self.lr_adam = lr, lr_adam

    def stages(self) -> list[Stage]:
        warm = self.start == "diffusion"
        mean_flow = self.net_stage("mean flow", self.loss, share=1 - self.pretrain_share if warm else 1.0)
        if not warm:
            return [mean_flow]
        shared = {"velocity": self.velocity, "ema_decay": self.ema_decay, "share": self.pretrain_share}
        return [flow_matching_stage(self.net, self.rows, **shared), mean_flow]

    def loss(self, batch: Batch) -> Tensor:
        x, eps = batch.x, torch.randn_like(batch.x)
        r, t = self.draw_times(x)
        x_t = on_path(x, eps, t)
        u = self.field(self.told(batch.label))(x_t, t, r)
        squared = (u - self.target(batch, eps, x_t, t, r)).square().flatten(1).sum(1)
        weight = (squared.detach() + WEIGHT_FLOOR) ** -self.weight_power
        # Per pixel as far as the weight leaves a scale, so that losses read alike at every power.
        return (weight * squared).mean() / x[0].numel() ** (1 - self.weight_power)

    def draw_times(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """r <= t, (B,) each. Rows come in fixed order and counts (r = t, spread, corner): the data is shuffled."""
        n_interval = round(self.interval_share * len(x))
        n_corner = round(self.corner_share * n_interval)
        n_spread = n_interval - n_corner
        t_equal = logit_normal(len(x) - n_interval, self.t_mean, self.t_std, x)
        r_mean = self.t_mean if self.r_mean is None else self.r_mean
        a, b = (logit_normal(n_spread, mean, self.t_std, x) for mean in (self.t_mean, r_mean))
        w = torch.rand(2, n_corner, dtype=x.dtype, device=x.device).square()
        t_corner = 1 - w[1] / 2
        r = torch.cat([t_equal, torch.minimum(a, b), t_corner * w[0]])
        later = torch.maximum(a, b) if self.r_mean is None else a
        return r, torch.cat([t_equal, later, t_corner])

    @torch.no_grad()
    def target(self, batch: Batch, eps: Tensor, x_t: Tensor, t: Tensor, r: Tensor) -> Tensor:
        """What u(x_t, t, r) is taught: the velocity on the leading rows with r = t, the identity's on the others."""
        n_equal = len(t) - round(self.interval_share * len(t))
        reference = seen_with(batch, self.rows) if self.velocity == "marginal" else None
        mean = None if reference is None else partial(marginal_velocity, reference=reference.x)
        velocity = eps - batch.x if mean is None else mean(x_t, t, alike=reference.alike(batch))
        if n_equal == len(t):
            return velocity
        z, t, r, v = x_t[n_equal:], t[n_equal:], r[n_equal:], velocity[n_equal:]
        rest = Batch(batch.x[n_equal:], batch.label[n_equal:])
        label = self.told(rest.label)

        def field(z: Tensor, t: Tensor) -> Tensor:
            if self.tangent == "predicted":
                return self.field(label)(z, t, t)
            return v if mean is None else mean(z, t, alike=reference.alike(rest))

        follow = self.along_a_secant if self.derivative == "secant" else self.exactly
        return torch.cat([velocity[:n_equal], follow(z, t, r, v, field, label)])

    def exactly(
        self, z: Tensor, t: Tensor, r: Tensor, v: Tensor, field: Velocity, label: Tensor | None = None
    ) -> Tensor:
        """v - (t - r) du/dt (equation 10) with (dx, dt, dr) = (field, 1, 0); any other trains to a wrong field."""
        along = (field(z, t), torch.ones_like(t), torch.zeros_like(r))
        return v - over_image(t - r, z) * DERIVATIVES[self.derivative](self.field(label), (z, t, r), along)

    def along_a_secant(
        self, z: Tensor, t: Tensor, r: Tensor, v: Tensor, field: Velocity, label: Tensor | None = None
    ) -> Tensor:
        """The same between t and s: (t - r) u(z, t, r) = path from t to s + (s - r) u(z_s, s, r), solved for u.

        z_s is one Heun step of the field away; v may be the field at z or a draw with that mean.
        """
        low, high = SECANT_SHARES
        length = (t - r) * (low + (high - low) * torch.rand_like(t))
        s, step = t - length, over_image(length, z)
        first = field(z, t)
        z_s = z - step * (first + field(z - step * first, s)) / 2
        path = z - z_s + step * (v - first)
        return (path + over_image(s - r, z) * self.field(label)(z_s, s, r)) / over_image((t - r).clamp(min=SHORTEST), z)


def _check(velocity: str, tangent: str, derivative: str, pretrain_share: float, interval: float, corner: float) -> None:
    checked_velocity(velocity)
    for name, value in (("interval_share", interval), ("corner_share", corner)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} = {value}; allowed: 0 to 1")
    inside(pretrain_share=pretrain_share)
    if (velocity, tangent, derivative) == ("conditional", "target", "secant"):
        # The path of one draw is straight; its secant is no mean of the network's values along the true path.
        raise ValueError("derivative = 'secant' with velocity = 'conditional'; allowed: tangent 'predicted', or 'jvp'")
