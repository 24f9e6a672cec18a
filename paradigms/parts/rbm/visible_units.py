"""The lowest units of a belief network: what an image is to them, and what they show.

symbol   meaning                                                          shape
x        image, in [-1, 1]                                                (B, C, H, W)
v        binary: (x + 1) / 2, the probability of being on                 (B, C H W)
         Gaussian: x / spread, so that noise of unit variance is small enough to see a pixel through
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from paradigms.parts.rbm.binary_units import bernoulli, to_images, to_units


class VisibleUnits(nn.Module):
    """kind: of the units, in UNITS. shape: (C, H, W) of an image."""

    def __init__(self, kind: str, shape: tuple[int, int, int]):
        super().__init__()
        self.is_binary, self.shape = kind == "binary", shape
        self.register_buffer("spread", torch.ones(()))

    def observe(self, x: Tensor) -> None:
        """Take the spread from images x (N, C, H, W)."""
        self.spread = x.std()

    def means(self, x: Tensor) -> Tensor:
        """What images x (B, C, H, W) say of each unit, (B, C H W)."""
        return to_units(x) if self.is_binary else x.flatten(1) / self.spread

    def states(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """States of the units, (B, C H W): drawn if they are binary; real values are their own states."""
        return bernoulli(to_units(x), generator) if self.is_binary else self.means(x)

    def images(self, v: Tensor) -> Tensor:
        """The images (B, C, H, W) in [-1, 1] that means v (B, C H W) show."""
        return to_images(v, self.shape) if self.is_binary else (v * self.spread).clamp(-1, 1).view(-1, *self.shape)
