"""The straight path between data and noise, and the flow-matching loss on it (Lipman et al. 2023; Liu et al. 2023).

symbol      meaning                                     shape
x           data, in [-1, 1]                            (B, C, H, W)
eps         standard normal noise                       (B, C, H, W)
t           time, 0 = data, 1 = noise                   (B,)
x_t         (1 - t) x + t eps                           (B, C, H, W)
velocity    d x_t / d t = eps - x, "conditional"        (B, C, H, W)
marginal    E[eps - x | x_t] over the training rows     (B, C, H, W)
data        the training split, `Rows`
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from paradigms.base import Batch, Stage
from paradigms.parts.optimizers.muon import muon

Field = Callable[[Tensor, Tensor, Tensor], Tensor]  # x_t, t, r -> velocity
Weight = Callable[[Tensor, Tensor], Tensor]  # t (B,), x (B, C, H, W) -> (B, 1, 1, 1)

VELOCITIES = ("marginal", "conditional")
REFERENCE_ROWS = 2048


class Rows(NamedTuple):
    """Training images, flattened, (N, C H W), and their classes (N,), or None where nothing is told of them."""

    x: Tensor
    label: Tensor | None = None

    def alike(self, batch: Batch) -> Tensor | None:
        """Which of them, (B, N), are of the class of each row of `batch`; None for all."""
        return None if self.label is None else batch.label[:, None] == self.label


def told(net: nn.Module, label: Tensor | None) -> Field:
    """The field of a network that is told `label` (B,), or of one that is told nothing (None)."""
    return net if label is None else lambda x_t, t, r: net(x_t, t, r, label)


def over_image(s: Tensor, like: Tensor) -> Tensor:
    """Per-row scalars s (B,) shaped to multiply images `like` (B, C, H, W)."""
    return s.view(-1, *[1] * (like.dim() - 1))


def on_path(x: Tensor, eps: Tensor, t: Tensor) -> Tensor:
    """x_t of the straight path, (B, C, H, W)."""
    t = over_image(t, x)
    return (1 - t) * x + t * eps


def logit_normal(n: int, mean: float, std: float, like: Tensor) -> Tensor:
    """n times in (0, 1) whose logit is normal(mean, std) (Esser et al. 2024, equation 19)."""
    return torch.sigmoid(mean + std * torch.randn(n, dtype=like.dtype, device=like.device))


def marginal_velocity(x_t: Tensor, t: Tensor, reference: Tensor, alike: Tensor | None = None) -> Tensor:
    """E[eps - x | x_t], (B, C, H, W), where x is any row of `reference` (N, C H W) with equal probability; with `alike`
    (B, N), any of the rows that are for it.

    The target of flow matching without its noise: it is the mean of eps - x over every (x, eps) that meet in x_t, so
    the minimiser of the loss is the same (Xu, Tong & Jaakkola, "Stable target field", ICLR 2023, equation 5).
    """
    with torch.autocast(x_t.device.type, enabled=False):
        state, t = x_t.flatten(1), t[:, None]
        likelihood = state @ reference.T * (1 - t) - reference.square().sum(1) * (1 - t).square() / 2
        if alike is not None:
            likelihood = likelihood.masked_fill(~alike, -torch.inf)
        weights = torch.softmax(likelihood / t.square(), dim=1)
        return ((state - weights @ reference) / t).view_as(x_t)


def seen_with(batch: Batch, data: Rows) -> Rows:
    """Training rows to average over beside a batch: all of data where it is small, else the batch's and a draw of
    others, `REFERENCE_ROWS` in all, as in the paper (section 3)."""
    if len(data.x) <= REFERENCE_ROWS:
        return data
    drawn = torch.randint(len(data.x), (REFERENCE_ROWS - len(batch.x),), device=data.x.device)
    label = None if data.label is None else torch.cat([batch.label, data.label[drawn]])
    return Rows(torch.cat([batch.x.flatten(1), data.x[drawn]]), label)


def draw_rows(data: Tensor, n: int) -> Tensor:
    """Rows of data (M, ...): all where there are at most n, else n drawn with replacement."""
    return data if len(data) <= n else data[torch.randint(len(data), (n,), device=data.device)]


def checked_velocity(kind: str) -> str:
    """`kind` itself. Raises ValueError where it is no velocity's name."""
    if kind not in VELOCITIES:
        raise ValueError(f"velocity = {kind!r}; allowed: {', '.join(VELOCITIES)}")
    return kind


def flow_matching_loss(
    net: nn.Module,
    batch: Batch,
    data: Rows,
    *,
    velocity: str,
    mean: float,
    std: float,
    weight: Weight | None = None,
) -> Tensor:
    """Mean over pixels and rows of weight(t, x) (net(x_t, t, t) - target velocity)^2 at logit-normal t; a scalar.

    Where `data` has classes the network is told the batch's, and the mean velocity is that of the class.
    """
    x, field = batch.x, told(net, None if data.label is None else batch.label)
    eps, t = torch.randn_like(x), logit_normal(len(x), mean, std, x)
    x_t = on_path(x, eps, t)
    if velocity == "conditional":
        target = eps - x
    else:
        reference = seen_with(batch, data)
        target = marginal_velocity(x_t, t, reference.x, reference.alike(batch))
    squared = (field(x_t, t, t) - target).square()
    return squared.mean() if weight is None else (weight(t, x) * squared).mean()


def flow_matching_stage(
    net: nn.Module,
    data: Rows,
    *,
    velocity: str = "marginal",
    mean: float = -0.4,
    std: float = 1.0,
    lr: float = 2e-2,
    lr_adam: float = 5e-3,
    batch_size: int = 64,
    ema_decay: float = 0.999,
    share: float = 1.0,
    weight: Weight | None = None,
) -> Stage:
    """Flow matching of all of `net` as a stage: the same recipe wherever a paradigm is, or starts from, diffusion.

    data: the training split. velocity: the target. mean, std: of logit(t). lr, lr_adam: Muon's and, for what
    is no matrix, Adam's. ema_decay: ceiling of the average's decay per update. weight: of the squared error, from t
    and x; None for 1.
    """
    settings = {"velocity": velocity, "mean": mean, "std": std, "weight": weight}
    return Stage(
        "flow matching",
        list(net.parameters()),
        lambda batch: flow_matching_loss(net, batch, data, **settings),
        share=share,
        batch_size=batch_size,
        optimizer=muon(lr, lr_adam),
        ema_decay=ema_decay,
        steady=True,
    )
