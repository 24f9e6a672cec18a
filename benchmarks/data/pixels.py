"""Between images as networks see them, float in [-1, 1], and as metrics see them, uint8."""

from __future__ import annotations

import torch
from torch import Tensor


def to_uint8(x: Tensor) -> Tensor:
    """uint8 of float images: 127.5 x + 127.5, rounded and clamped, the same way for every paradigm."""
    return (127.5 * x + 127.5).round().clamp(0, 255).to(torch.uint8)


def to_float(images: Tensor) -> Tensor:
    """float32 in [-1, 1] of uint8 images."""
    return images.float() / 127.5 - 1
