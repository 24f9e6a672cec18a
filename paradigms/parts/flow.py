"""The straight path between data and noise, and the flow-matching loss on it (Lipman et al. 2023; Liu et al. 2023).

symbol      meaning                                     shape
x           data, in [-1, 1]                            (B, C, H, W)
eps         standard normal noise                       (B, C, H, W)
t           time, 0 = data, 1 = noise                   (B,)
x_t         (1 - t) x + t eps                           (B, C, H, W)
velocity    d x_t / d t = eps - x, "conditional"        (B, C, H, W)
marginal    E[eps - x | x_t] over the training rows     (B, C, H, W)
data        the training split, flattened               (N, C H W)
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from paradigms.base import Stage
from paradigms.parts.muon import muon

Weight = Callable[[Tensor, Tensor], Tensor]  # t (B,), x (B, C, H, W) -> (B, 1, 1, 1)

VELOCITIES = ("marginal", "conditional")
REFERENCE_ROWS = 2048


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


def marginal_velocity(x_t: Tensor, t: Tensor, reference: Tensor) -> Tensor:
    """E[eps - x | x_t], (B, C, H, W), where x is any row of `reference` (N, C H W) with equal probability.

    The target of flow matching without its noise: it is the mean of eps - x over every (x, eps) that meet in x_t, so
    the minimiser of the loss is the same (Xu, Tong & Jaakkola, "Stable target field", ICLR 2023, equation 5).
    """
    with torch.autocast(x_t.device.type, enabled=False):
        state, t = x_t.flatten(1), t[:, None]
        likelihood = state @ reference.T * (1 - t) - reference.square().sum(1) * (1 - t).square() / 2
        weights = torch.softmax(likelihood / t.square(), dim=1)
        return ((state - weights @ reference) / t).view_as(x_t)


def seen_with(x: Tensor, data: Tensor) -> Tensor:
    """Training rows (N, C H W) to average over beside a batch x (B, C, H, W): all of data (M, C H W) where it is small,
    else the batch's and a draw of others, `REFERENCE_ROWS` in all, as in the paper (section 3)."""
    if len(data) <= REFERENCE_ROWS:
        return data
    return torch.cat([x.flatten(1), draw_rows(data, REFERENCE_ROWS - len(x))])


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
    x: Tensor,
    data: Tensor,
    *,
    velocity: str,
    mean: float,
    std: float,
    weight: Weight | None = None,
) -> Tensor:
    """Mean over pixels and rows of weight(t, x) (net(x_t, t, t) - target velocity)^2 at logit-normal t; a scalar."""
    eps, t = torch.randn_like(x), logit_normal(len(x), mean, std, x)
    x_t = on_path(x, eps, t)
    target = eps - x if velocity == "conditional" else marginal_velocity(x_t, t, seen_with(x, data))
    squared = (net(x_t, t, t) - target).square()
    return squared.mean() if weight is None else (weight(t, x) * squared).mean()


def flow_matching_stage(
    net: nn.Module,
    data: Tensor,
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

    data: the training split (N, C H W). velocity: the target. mean, std: of logit(t). lr, lr_adam: Muon's and, for what
    is no matrix, Adam's. ema_decay: ceiling of the average's decay per update. weight: of the squared error, from t
    and x; None for 1.
    """
    settings = {"velocity": velocity, "mean": mean, "std": std, "weight": weight}
    return Stage(
        "flow matching",
        list(net.parameters()),
        lambda batch: flow_matching_loss(net, batch.x, data, **settings),
        share=share,
        batch_size=batch_size,
        optimizer=muon(lr, lr_adam),
        ema_decay=ema_decay,
    )
