"""Corruption of the input of a denoising auto-encoder.

Source: Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010, section 3.3: masking, salt-and-pepper and
Gaussian noise.
"""

from __future__ import annotations

import torch
from torch import Tensor

from paradigms.parts.rbm.binary_units import bernoulli

KINDS = ("masking", "salt-and-pepper", "gaussian")


class Corruption:
    """Adds noise to units, independently for each.

    kind: "masking": a unit is set to 0; "salt-and-pepper": it is set to 0 or 1 with equal probability; "gaussian":
        normal noise is added.
    level: probability in [0, 1) that a unit is set; for "gaussian", the standard deviation of the noise.
    """

    def __init__(self, kind: str, level: float):
        self.kind, self.level = kind, level

    def __call__(self, v: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Corrupted v (B, n); units that are not set keep their value, without the rescaling of dropout."""
        if self.kind == "gaussian":
            return v + self.level * torch.randn(v.shape, generator=generator, dtype=v.dtype, device=v.device)
        kept = bernoulli(torch.full_like(v, 1 - self.level), generator)
        if self.kind == "masking":
            return v * kept
        return torch.where(kept > 0, v, bernoulli(torch.full_like(v, 0.5), generator))
