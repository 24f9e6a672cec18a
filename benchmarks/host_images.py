"""Training images where training reads them: on the device as floats, or on the host as bytes where they are too many.

Bytes may be an array that a data set has mapped into memory from a file, so that neither the device nor the host has to
hold them. Each batch is moved to the device and scaled there; it equals, to the bit, that of images on the device.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from benchmarks.data.pixels import to_float

# Of images as floats on the device. A constant, since what a paradigm observes depends on it, and no number of a cell
# may depend on the memory of a computer.
RESIDENT_BYTES = 8 << 30
FLOAT_BYTES = 4


class HostImages:
    """Images on the host, of which an index gives rows on the device: float32 in [-1, 1].

    images: uint8 (N, C, H, W), in memory or mapped from a file.
    target: device of the rows.

    device: where the images are, and with them the order in which they are drawn.
    """

    device = torch.device("cpu")

    def __init__(self, images: np.ndarray, target: torch.device):
        self.images, self.target = images, target

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, rows: Tensor | slice) -> Tensor:
        """Returns the images (B, C, H, W) at `rows`, numbers (B,) or a slice."""
        chosen = self.images[rows.numpy() if isinstance(rows, Tensor) else rows]
        return to_float(torch.from_numpy(np.ascontiguousarray(chosen)).to(self.target))


def fit_on_device(images: np.ndarray) -> bool:
    """Returns whether images, uint8 (N, C, H, W), are kept on the device as floats."""
    return images.size * FLOAT_BYTES <= RESIDENT_BYTES


def observed_rows(images: np.ndarray) -> Tensor:
    """Returns the numbers, ascending, of those images (N, C, H, W) that a paradigm observes: as many as the device may
    hold, drawn evenly and always the same."""
    n = max(1, RESIDENT_BYTES // (FLOAT_BYTES * math.prod(images.shape[1:])))
    return torch.randperm(len(images), generator=torch.Generator().manual_seed(0))[:n].sort().values
