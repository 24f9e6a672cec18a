"""The straight path between data and noise, and the flow-matching loss on it (Lipman et al. 2023; Liu et al. 2023).

symbol      meaning                                     shape
x           data, in [-1, 1]                            (B, C, H, W)
eps         standard normal noise                       (B, C, H, W)
t           time, 0 = data, 1 = noise                   (B,)
x_t         (1 - t) x + t eps                           (B, C, H, W)
velocity    d x_t / d t = eps - x                       (B, C, H, W)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paradigms.base import Stage, adam


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


def flow_matching_loss(net: nn.Module, x: Tensor, mean: float, std: float) -> Tensor:
    """Mean over pixels and rows of (net(x_t, t, t) - (eps - x))^2 at logit-normal t; a scalar."""
    eps, t = torch.randn_like(x), logit_normal(len(x), mean, std, x)
    return (net(on_path(x, eps, t), t, t) - (eps - x)).square().mean()


def flow_matching_stage(
    net: nn.Module, *, mean: float, std: float, lr: float, batch_size: int, ema_decay: float, share: float = 1.0
) -> Stage:
    """Flow matching of all of `net` as a stage: the same recipe wherever a paradigm is, or starts from, diffusion.

    mean, std: of logit(t). lr: Adam's. ema_decay: ceiling of the average's decay per update.
    """
    return Stage(
        "flow matching",
        list(net.parameters()),
        lambda batch: flow_matching_loss(net, batch.x, mean, std),
        share=share,
        batch_size=batch_size,
        optimizer=adam(lr),
        clip_norm=1.0,
        ema_decay=ema_decay,
    )
