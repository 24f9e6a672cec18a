"""A small denoising auto-encoder, trained on the training split, whose codes a loss may compare samples by.

Source: features of a self-supervised encoder beside pixels: "Generative Modeling via Drifting" (arXiv 2602.04770),
section 4; denoising: Vincent et al., JMLR 11, 2010.

It is trained on the generator's own data and is independent of the scoring networks.

symbol    meaning                                    shape
x         images, in [-1, 1]                         (B, C, H, W)
low       activities of the first layer              (B, 16, H/2, W/2)
high      activities of the second layer             (B, 32, H/4, W/4)
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.base import Batch, Stage

WIDTHS = (16, 32)
NOISE = 0.5  # standard deviation, for pixels in [-1, 1]


class Encoder(nn.Module):
    """Denoising auto-encoder of two convolutions and two transposed ones.

    shape: (C, H, W) of the images, H and W divisible by 4.
    """

    def __init__(self, shape: tuple[int, int, int]):
        super().__init__()
        channels, (first, second) = shape[0], WIDTHS
        self.enter = nn.Conv2d(channels, first, 4, stride=2, padding=1)
        self.deepen = nn.Conv2d(first, second, 4, stride=2, padding=1)
        self.widen = nn.ConvTranspose2d(second, first, 4, stride=2, padding=1)
        self.leave = nn.ConvTranspose2d(first, channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Returns the codes (B, n) of images x: the activities of both layers, each over the root of their number."""
        low, high = self.layers(x)
        return torch.cat([h.flatten(1) / h[0].numel() ** 0.5 for h in (low, high)], 1)

    def layers(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns low and high, the activities of both layers."""
        low = F.silu(self.enter(x))
        return low, F.silu(self.deepen(low))

    def loss(self, batch: Batch) -> Tensor:
        """Returns the mean squared error of images decoded from `high` of their noisy versions, a scalar."""
        noisy = batch.x + NOISE * torch.randn_like(batch.x)
        return (self.leave(F.silu(self.widen(self.layers(noisy)[1]))) - batch.x).square().mean()

    def stage(self, share: float) -> Stage:
        """Returns the stage that trains it, with `share` of the budget; it comes before the stage that uses it."""
        return Stage("encoder", list(self.parameters()), self.loss, share=share, steady=True)
