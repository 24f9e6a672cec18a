"""MeanFlow: one network for the average velocity between any two times, so that one step can be the whole chain.

Source: Geng et al., "Mean Flows for One-step Generative Modeling", 2025 (arXiv 2505.13447), equations 6 (identity),
9 to 11 (loss), 12 (sampling), 22 (adaptive weight); the identity over a finite step: Guo et al., "SplitMeanFlow", 2025
(arXiv 2507.16884); the predicted tangent: Geng et al., "Improved Mean Flows", 2025 (arXiv 2512.02012), in its form
without a second head, where the predicted velocity is u(x_t, t, t).

symbol    meaning                                                          shape
x, eps    data in [-1, 1]; standard normal noise                           (B, C, H, W)
r, t      times, 0 = data, 1 = noise, r <= t                               (B,)
x_t       (1 - t) x + t eps                                                (B, C, H, W)
velocity  E[eps - x | x_t] over the training split, or eps - x             (B, C, H, W)
u         net(x_t, t, r): average velocity between r and t                 (B, C, H, W)
tangent   d/dt u along the path = velocity . du/dx + du/dt                 (B, C, H, W)
s         a time between r and t; t - s is a random share of t - r         (B,)
label     class, where the network is conditioned on it                    (B,)

Differs: the velocity is by default the mean over the training split, which the identity is about; the paper uses one
draw of it. The derivative along the path is by default a secant over a random part of the interval: one update then
carries what the network knows of shorter intervals further than the exact tangent does. Targets need no gradient and
are computed on the rows with r < t only. A share of those rows starts near t = 1, where sampling starts and where the
logit-normal distribution has hardly any mass. The weight has the power 0.5; the paper's 1 favours the modes with small
errors, which are the zeros on the digits. Measurements of all of these are in results/LOG.md.

Improved MeanFlow is velocity = "conditional", derivative = "jvp", tangent = "predicted": its loss |V - (eps - x)|^2
with V = u + (t - r) stop(du/dt) is the loss here, in value and gradient, since V - (eps - x) = u - target.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from paradigms.base import Batch, Paradigm, Stage
from paradigms.parts.flow.flow import (
    T_MEAN,
    T_STD,
    VELOCITIES,
    logit_normal,
    marginal_velocity,
    on_path,
    over_image,
    reference_rows,
)
from paradigms.parts.flow.flow_chain import FlowChain
from paradigms.parts.flow.tangent import DERIVATIVES
from paradigms.parts.optimizers.choice import OPTIMIZERS, chosen
from paradigms.parts.options import one_of, with_images_for
from paradigms.training.split import alike, n_whole, own, part

TANGENTS = ("velocity", "predicted")
CHOICES = {"velocity": VELOCITIES, "derivative": ("secant", *DERIVATIVES), "tangent": TANGENTS}
CHOICES |= {"optimizer": OPTIMIZERS}
SECANT_SHARES = (0.1, 0.5)  # range of the secant's length as a share of the interval
SHORTEST = 1e-4  # smallest interval that is divided by
WEIGHT_FLOOR = 0.01

Velocity = Callable[[Tensor, Tensor], Tensor]  # (x_t, t) -> velocity, for the rows with r < t


class MeanFlow(FlowChain, Paradigm):
    """Average velocity of a flow, learnt from the MeanFlow identity.

    Network
        backbone: "unet" or "mlp".
        width: channels or hidden units of the backbone; None for its default.
        conditional: whether the network is conditioned on the class.
    Loss
        velocity: "marginal" or "conditional", as in `diffusion`.
        derivative: of u along the path, "secant", or the tangent by one of `DERIVATIVES`.
        tangent: direction of this derivative, "velocity" for that of the option `velocity`, or "predicted" for the
            network's u(x, t, t). The secant always has the predicted one where the mean velocity is over a part of the
            training split, which is biased away from the path of the row that it belongs to.
        interval_share: share of the rows with r < t, in [0, 1]; the others are flow matching.
        corner_share: share of the rows with r < t that have t near 1 and r anywhere below, in [0, 1].
        weight_power: p of the weight 1 / (squared error + c)^p.
    Optimisation
        optimizer: "muon", or "adam" for all parameters, as published.
        lr: Muon's learning rate, for convolutions.
        lr_adam: Adam's learning rate, for all other parameters.
        batch_size: images per update, enough that every kind of row has an image.
        ema_decay: ceiling of the per-update decay of the weights' average.
    """

    title = "MeanFlow (one-step identity)"
    era = "towards end-to-end"
    reference = "Geng et al. 2025, arXiv 2505.13447"
    task = "generation"
    samplers = ("jump", "euler")  # steps of u(x_t, t, r), and the ODE of the field at r = t

    def __init__(
        self,
        shape: tuple[int, int, int],
        n_classes: int,
        *,
        backbone: str = "unet",
        width: int | None = None,
        conditional: bool = False,
        velocity: str = "marginal",
        derivative: str = "secant",
        tangent: str = "velocity",
        interval_share: float = 0.4,
        corner_share: float = 0.5,
        weight_power: float = 0.5,
        optimizer: str = "muon",
        lr: float = 2e-2,
        lr_adam: float = 5e-3,
        batch_size: int = 64,
        ema_decay: float = 0.999,
    ):
        super().__init__(shape, n_classes, conditional)
        one_of(CHOICES, velocity=velocity, derivative=derivative, tangent=tangent, optimizer=optimizer)
        _check(velocity, derivative, tangent, interval_share=interval_share, corner_share=corner_share)
        shares = {"interval_share": interval_share, "corner_share": corner_share}
        with_images_for(lambda n: _requested_rows(n, **shares), batch_size, **shares)
        self.net = self.network(backbone, width)
        self.velocity, self.derivative, self.tangent, self.weight_power = velocity, derivative, tangent, weight_power
        self.interval_share, self.corner_share = interval_share, corner_share
        self.optimizer, self.lr, self.lr_adam = optimizer, lr, lr_adam
        self.batch_size, self.ema_decay = batch_size, ema_decay

    def stages(self) -> list[Stage]:
        return [self.net_stage("mean flow", self.loss, optimizer=chosen(self.optimizer, self.lr, self.lr_adam))]

    def loss(self, batch: Batch) -> Tensor:
        """Returns the mean weighted squared error of u, a scalar."""
        x, eps = batch.x, torch.randn_like(batch.x)
        r, t = self.draw_times(x)
        x_t = on_path(x, eps, t)
        u = self.field(self.condition(batch.label))(x_t, t, r)
        squared = (u - self.target(batch, eps, x_t, t, r)).square().flatten(1).sum(1)
        weight = (squared.detach() + WEIGHT_FLOOR) ** -self.weight_power
        # Divided by the number of pixels to the power that the weight leaves, so that losses of every p compare.
        return (weight * squared).mean() / x[0].numel() ** (1 - self.weight_power)

    def draw_times(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns r <= t, (B,) each, for images x (B, C, H, W).

        Rows come in a fixed order and in fixed numbers, since the images are shuffled: first those with r = t, then
        those with two logit-normal times, then those with t near 1.
        """
        n_equal, n_pair, n_corner = row_counts(n_whole(len(x)), self.interval_share, self.corner_share)
        with alike():
            t_equal = logit_normal(n_equal, T_MEAN, T_STD, x)
            a, b = (logit_normal(n_pair, T_MEAN, T_STD, x) for _ in range(2))
            w = torch.rand(2, n_corner, dtype=x.dtype, device=x.device).square()
        t_corner = 1 - w[1] / 2
        r = torch.cat([t_equal, torch.minimum(a, b), t_corner * w[0]])
        return own(r), own(torch.cat([t_equal, torch.maximum(a, b), t_corner]))

    @torch.no_grad()
    def target(self, batch: Batch, eps: Tensor, x_t: Tensor, t: Tensor, r: Tensor) -> Tensor:
        """Returns the target of u(x_t, t, r), (B, C, H, W).

        It is the velocity on the leading rows, where r = t, and follows from the identity on the others.
        """
        n_rows = n_whole(len(t))
        n_equal, *_ = row_counts(n_rows, self.interval_share, self.corner_share)
        reference = reference_rows(batch, self.rows) if self.velocity == "marginal" else None
        mean = None if reference is None else partial(marginal_velocity, reference=reference.x)
        velocity = eps - batch.x if mean is None else mean(x_t, t, allowed=reference.of_class_of(batch))
        if n_equal == n_rows:
            return velocity
        with part(n_equal, n_rows) as others:
            z, t, r, v = x_t[others], t[others], r[others], velocity[others]
            rest = Batch(batch.x[others], batch.label[others])
            net, secant = self.field(self.condition(rest.label)), self.derivative == "secant"
            partly = reference is not None and len(reference.x) < len(self.data)

            def field(z: Tensor, t: Tensor) -> Tensor:
                if self.tangent == "predicted" or (secant and partly):
                    return net(z, t, t)
                return v if mean is None else mean(z, t, allowed=reference.of_class_of(rest))

            follow = self.along_a_secant if secant else self.along_the_tangent
            there = follow(z, t, r, v, field, self.condition(rest.label))
        return torch.cat([velocity[: others.start], there])

    def along_the_tangent(
        self, z: Tensor, t: Tensor, r: Tensor, v: Tensor, field: Velocity, label: Tensor | None = None
    ) -> Tensor:
        """Returns v - (t - r) du/dt (equation 10), (B, C, H, W).

        The derivative is along (dx, dt, dr) = (field, 1, 0); any other direction trains to a wrong field.

        z: points x_t, (B, C, H, W).
        t, r: times, (B,), r < t.
        v: velocity at z, (B, C, H, W).
        field: velocity at any point and time.
        label: classes, (B,), or None for an unconditional network.
        """
        along = (field(z, t), torch.ones_like(t), torch.zeros_like(r))
        return v - over_image(t - r, z) * DERIVATIVES[self.derivative](self.field(label), (z, t, r), along)

    def along_a_secant(
        self, z: Tensor, t: Tensor, r: Tensor, v: Tensor, field: Velocity, label: Tensor | None = None
    ) -> Tensor:
        """Returns the same from a time s between r and t, by the identity over a finite step solved for u:

        (t - r) u(z, t, r) = displacement from t to s + (s - r) u(z_s, s, r),

        where z_s is one Heun step of the field away from z. Arguments as in `along_the_tangent`, but v may also be a
        random draw whose mean is the velocity at z.

        Its fixed point is the average velocity up to the errors of a chain of such steps. They are largest over the
        whole interval, where they are 13 % on the digits (root mean square); the one-step FID ratio of the fixed point
        is that of the exact flow (1.18 and 1.19).
        """
        low, high = SECANT_SHARES
        length = (t - r) * (low + (high - low) * torch.rand_like(t))
        s, step = t - length, over_image(length, z)
        first = field(z, t)
        z_s = z - step * (first + field(z - step * first, s)) / 2
        path = z - z_s + step * (v - first)
        return (path + over_image(s - r, z) * self.field(label)(z_s, s, r)) / over_image((t - r).clamp(min=SHORTEST), z)


def row_counts(n: int, interval_share: float, corner_share: float) -> tuple[int, int, int]:
    """Returns how many of n rows have r = t, two logit-normal times, and t near 1."""
    n_interval = round(interval_share * n)
    n_corner = round(corner_share * n_interval)
    return n - n_interval, n_interval - n_corner, n_corner


def _requested_rows(n: int, interval_share: float, corner_share: float) -> list[int]:
    """Returns the numbers of `row_counts` whose share is above 0."""
    shares = 1 - interval_share, interval_share * (1 - corner_share), interval_share * corner_share
    return [rows for rows, share in zip(row_counts(n, interval_share, corner_share), shares, strict=True) if share]


def _check(velocity: str, derivative: str, tangent: str, **shares: float) -> None:
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{name} = {value}; allowed: 0 to 1")
    if (velocity, derivative, tangent) == ("conditional", "secant", "velocity"):
        # The path of one draw is straight, so its secant is not the mean over draws of the network along the true path.
        raise ValueError(
            f"derivative = 'secant' with velocity = 'conditional' and tangent = 'velocity'; allowed: "
            f"{', '.join(DERIVATIVES)}, or tangent = 'predicted'"
        )
