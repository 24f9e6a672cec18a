"""The relativistic adversarial losses with zero-centred gradient penalties on both sides.

Source: Huang, Gokaslan, Kuleshov & Tompkin, "The GAN is dead; long live the GAN! A modern GAN baseline" (R3GAN),
NeurIPS 2024 (arXiv 2501.05441), equations 2 (relativistic pairing), 3 and 4 (R1 and R2).

symbol    meaning                                                  shape
x         real images, in [-1, 1]                                  (B, C, H, W)
g         samples                                                  (B, C, H, W)
label     classes of both, where the networks are conditioned      (B,)
judge     discriminator: images and classes -> scores              (B, 1)
gamma     weight of the penalties; each counts half of it

Every sample is compared with one real image: both losses are functions of judge(g) - judge(x).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Judge = Callable[[Tensor, Tensor | None], Tensor]


def generator_loss(judge: Judge, x: Tensor, g: Tensor, label: Tensor | None = None) -> Tensor:
    """Returns E softplus(judge(x) - judge(g)), a scalar: samples are to score above real images."""
    return F.softplus(judge(x, label) - judge(g, label)).mean()


def discriminator_loss(judge: Judge, x: Tensor, g: Tensor, gamma: float, label: Tensor | None = None) -> Tensor:
    """Returns E softplus(judge(g) - judge(x)) + gamma / 2 (R1 + R2), a scalar.

    R1 and R2 are the mean squared norms of the gradient of the score with respect to real images and to samples.
    """
    x, g = (images.detach().requires_grad_() for images in (x, g))
    of_real, of_samples = judge(x, label), judge(g, label)
    # A score depends on its own image alone, so the gradient of the sum holds every image's own.
    gradients = torch.autograd.grad([of_real.sum(), of_samples.sum()], [x, g], create_graph=True)
    penalties = sum(gradient.square().flatten(1).sum(1).mean() for gradient in gradients)
    return F.softplus(of_samples - of_real).mean() + gamma / 2 * penalties


def adam_of_players(lr: float) -> Callable[[Sequence[nn.Parameter]], torch.optim.Optimizer]:
    """Returns the optimiser of adversarial players: Adam without momentum, betas (0, 0.99), as in R3GAN's table 8."""
    return lambda parameters: torch.optim.Adam(parameters, lr=lr, betas=(0.0, 0.99), fused=True)
