"""An encoder of the training split alone, whose codes a loss may compare samples by: a small denoising auto-encoder.

Source: features of a self-supervised encoder beside pixels, as "Generative Modeling via Drifting" (arXiv 2602.04770,
section 4) has them; denoising: Vincent et al., JMLR 11, 2010. It sees what the generator sees and no scoring network.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.base import Batch, Stage

WIDTHS = (16, 32)
NOISE = 0.5  # standard deviation, for pixels in [-1, 1]


class Encoder(nn.Module):
    """shape: (C, H, W) of the image, H and W divisible by 4."""

    def __init__(self, shape: tuple[int, int, int]):
        super().__init__()
        channels, (first, second) = shape[0], WIDTHS
        self.enter = nn.Conv2d(channels, first, 4, stride=2, padding=1)
        self.deepen = nn.Conv2d(first, second, 4, stride=2, padding=1)
        self.widen = nn.ConvTranspose2d(second, first, 4, stride=2, padding=1)
        self.leave = nn.ConvTranspose2d(first, channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Codes (B, n) of images x (B, C, H, W): both layers' activities, each over the root of their number."""
        low, high = self.layers(x)
        return torch.cat([h.flatten(1) / h[0].numel() ** 0.5 for h in (low, high)], 1)

    def layers(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Activities of both layers, (B, 16, H/2, W/2) and (B, 32, H/4, W/4)."""
        low = F.silu(self.enter(x))
        return low, F.silu(self.deepen(low))

    def loss(self, batch: Batch) -> Tensor:
        """Mean squared error of what the codes of noisy images make of them; a scalar."""
        noisy = batch.x + NOISE * torch.randn_like(batch.x)
        return (self.leave(F.silu(self.widen(self.layers(noisy)[1]))) - batch.x).square().mean()

    def stage(self, share: float) -> Stage:
        """Its training, which comes before what uses it."""
        return Stage("encoder", list(self.parameters()), self.loss, share=share, steady=True)
