"""One loss between generated samples and the training split: MMD, energy distance, or drift.

symbol      meaning                                                                     shape
g           generated samples, flattened                                                (n, D)
real        training images in the same form                                            (m, D)
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from paradigms.parts.losses.distances import energy_distance, kernel_weights, median_distance, mmd
from paradigms.parts.losses.drift import drifting_loss
from paradigms.parts.options import one_of
from paradigms.training.split import whole

N_REAL = 4096  # training images that an update compares its samples with, at most
# Lengths of the MMD's kernels in units of the median distance; temperatures of the drift in units of the mean distance.
SCALES = {"mmd": (0.1, 0.2, 0.4), "energy": (), "drifting": (0.02, 0.05, 0.2)}


class SampleLoss(nn.Module):
    """Loss between samples and training images.

    kind: "mmd", "energy" or "drifting".
    scales: lengths of the kernels or temperatures of the drift; None for those of `SCALES`.

    Raises ValueError for another kind and for scales that are not above 0.
    """

    def __init__(self, kind: str, scales: Sequence[float] | None = None):
        super().__init__()
        one_of({"loss": tuple(SCALES)}, loss=kind)
        self.kind, self.scales = kind, SCALES[kind] if scales is None else tuple(scales)
        if kind != "energy" and min(self.scales, default=0) <= 0:
            raise ValueError(f"scales = {list(self.scales)}; allowed: positive numbers, one or more")
        self.register_buffer("lengths", torch.ones(len(self.scales)))
        self.register_buffer("weights", torch.ones(len(self.scales)))

    def observe(self, real: Tensor) -> None:
        """Takes the lengths and weights of the kernels from training images, flattened, (M, D)."""
        if self.kind == "mmd":
            self.lengths = torch.tensor(self.scales).to(real) * median_distance(real)
            self.weights = kernel_weights(real, self.lengths)

    def forward(self, g: Tensor, real: Tensor) -> Tensor:
        """Returns the loss between samples g (n, D) and training images real (m, D), a scalar.

        The expected MMD and energy distance are smallest where both have the same distribution. The value of the
        drifting loss carries no information; its gradient does.
        """
        g = whole(g)
        if self.kind == "energy":
            return energy_distance(g, real)
        if self.kind == "drifting":
            return drifting_loss(g, real, self.scales)
        return mmd(g, real, self.lengths, self.weights)
