"""Converts images between float in [-1, 1], for networks, and uint8 in 0..255, for metrics and files."""

from __future__ import annotations

import torch
from torch import Tensor


def to_uint8(x: Tensor) -> Tensor:
    """Images (any shape) from float in [-1, 1] to uint8: 127.5 x + 127.5, rounded and clamped to 0..255."""
    return (127.5 * x + 127.5).round().clamp(0, 255).to(torch.uint8)


def to_float(images: Tensor) -> Tensor:
    """Images (any shape) from uint8 to float32 in [-1, 1]."""
    return images.float() / 127.5 - 1
