"""The straight path between data and noise, and the flow-matching loss on it.

Source: Lipman et al., "Flow Matching for Generative Modeling", ICLR 2023, equations 20 to 23; Liu, Gong & Liu, "Flow
Straight and Fast", ICLR 2023; times: Esser et al. 2024 (arXiv 2403.03206), equation 19; mean velocity: Xu, Tong &
Jaakkola, "Stable Target Field for Reduced Variance Score Estimation in Diffusion Models", ICLR 2023, equation 5.

symbol      meaning                                                      shape
x           data, in [-1, 1]                                             (B, C, H, W)
eps         standard normal noise                                        (B, C, H, W)
t           time, 0 = data, 1 = noise                                    (B,)
x_t         (1 - t) x + t eps                                            (B, C, H, W)
velocity    d x_t / d t = eps - x; as a target it is "conditional"       (B, C, H, W)
marginal    E[eps - x | x_t], x uniform over the training split          (B, C, H, W)
data        the training split, `Rows`                                   (N, C H W)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from paradigms.base import Batch
from paradigms.training.split import whole

Field = Callable[[Tensor, Tensor, Tensor], Tensor]  # x_t, t, r -> velocity
Weight = Callable[[Tensor, Tensor], Tensor]  # t (B,), x (B, C, H, W) -> (B, 1, 1, 1)

VELOCITIES = ("marginal", "conditional")
T_MEAN, T_STD = -0.4, 1.0  # of logit(t)
REFERENCE_ROWS = 2048


class Rows(NamedTuple):
    """Training images, flattened.

    x: images, (N, C H W).
    label: their classes, (N,), or None where the network is not conditioned on the class.
    """

    x: Tensor
    label: Tensor | None = None

    def of_class_of(self, batch: Batch) -> Tensor | None:
        """Returns which rows share the class of each image of `batch`, (B, N) bool; None for all rows."""
        return None if self.label is None else batch.label[:, None] == self.label


def conditioned(net: nn.Module, label: Tensor | None) -> Field:
    """Returns the field of `net` conditioned on the classes `label` (B,), or of an unconditional `net` for None."""
    return net if label is None else lambda x_t, t, r: net(x_t, t, r, label)


def over_image(s: Tensor, like: Tensor) -> Tensor:
    """Returns per-image scalars s (B,) reshaped to multiply images `like` (B, C, H, W)."""
    return s.view(-1, *[1] * (like.dim() - 1))


def on_path(x: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    """Returns x_t of the straight path, (B, C, H, W)."""
    t = over_image(t, x)
    return (1 - t) * x + t * eps


def logit_normal(n: int, mean: float, std: float, like: Tensor) -> Tensor:
    """Returns n times in (0, 1) whose logits are normal(mean, std), on the device and in the type of `like`."""
    return torch.sigmoid(mean + std * torch.randn(n, dtype=like.dtype, device=like.device))


def marginal_velocity(x_t: Tensor, t: Tensor, reference: Tensor, allowed: Tensor | None = None) -> Tensor:
    """Returns E[eps - x | x_t], (B, C, H, W): the target of flow matching without its noise.

    It is the mean of eps - x over every pair (x, eps) whose path passes through x_t, so the minimiser of the loss is
    the same.

    x_t: points of the path, (B, C, H, W).
    t: their times, (B,), above 0.
    reference: rows that x is uniform over, (N, C H W).
    allowed: which of these rows x may be for each point, (B, N) bool; None for all.
    """
    with torch.autocast(x_t.device.type, enabled=False):
        state, t = x_t.flatten(1), t[:, None]
        likelihood = state @ reference.T * (1 - t) - reference.square().sum(1) * (1 - t).square() / 2
        if allowed is not None:
            likelihood = likelihood.masked_fill(~allowed, -torch.inf)
        weights = torch.softmax(likelihood / t.square(), dim=1)
        return ((state - weights @ reference) / t).view_as(x_t)


def reference_rows(batch: Batch, data: Rows) -> Rows:
    """Returns the training rows that the mean velocity of a batch is taken over.

    All of `data` where it has at most `REFERENCE_ROWS` rows; else the batch itself and a draw of others, that many in
    all (Xu, Tong & Jaakkola 2023, section 3).
    """
    if len(data.x) <= REFERENCE_ROWS:
        return data
    batch = Batch(*map(whole, batch))
    drawn = torch.randint(len(data.x), (REFERENCE_ROWS - len(batch.x),), device=data.x.device)
    label = None if data.label is None else torch.cat([batch.label, data.label[drawn]])
    return Rows(torch.cat([batch.x.flatten(1), data.x[drawn]]), label)


def draw_rows(data: Tensor, n: int) -> Tensor:
    """Returns rows of data (M, ...): all where there are at most n, else n drawn with replacement."""
    return data if len(data) <= n else data[torch.randint(len(data), (n,), device=data.device)]


def flow_matching_loss(
    net: nn.Module,
    batch: Batch,
    data: Rows,
    *,
    velocity: str = "marginal",
    mean: float = T_MEAN,
    std: float = T_STD,
    weight: Weight | None = None,
) -> Tensor:
    """Returns the mean over images and pixels of weight(t, x) (net(x_t, t, t) - target velocity)^2, a scalar.

    net: the network; conditioned on the batch's classes if `data` has classes, and so is the mean velocity.
    batch: training images and classes.
    data: the training split.
    velocity: the target, one of `VELOCITIES`.
    mean, std: of logit(t).
    weight: of the squared error; None for 1.
    """
    x, field = batch.x, conditioned(net, None if data.label is None else batch.label)
    eps, t = torch.randn_like(x), logit_normal(len(x), mean, std, x)
    x_t = on_path(x, eps, t)
    if velocity == "conditional":
        target = eps - x
    else:
        reference = reference_rows(batch, data)
        target = marginal_velocity(x_t, t, reference.x, reference.of_class_of(batch))
    squared = (field(x_t, t, t) - target).square()
    return squared.mean() if weight is None else (weight(t, x) * squared).mean()
