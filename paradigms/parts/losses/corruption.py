"""Noise that a denoising auto-encoder learns to undo, and the weight of what the noise has changed.

Source: Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010: masking, salt-and-pepper and Gaussian noise,
section 3.3; emphasis on corrupted dimensions, section 4.1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from paradigms.parts.rbm.binary_units import bernoulli

KINDS = ("masking", "salt-and-pepper", "gaussian")


class Corruption:
    """kind: "masking", units set to 0; "salt-and-pepper", set to 0 or 1 by a fair coin; "gaussian", noise added.

    level: share of units that are set, or the noise's standard deviation. emphasis: weights of units whose
    value the noise has changed, and of the others.
    """

    def __init__(self, kind: str, level: float, emphasis: Sequence[float] = (1.0, 1.0)):
        self.kind, self.level, self.emphasis = kind, level, tuple(emphasis)

    def __call__(self, v: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """v (B, n) after noise; masked units are 0 and the others as they were, not rescaled as by dropout."""
        if self.kind == "gaussian":
            return v + self.level * torch.randn(v.shape, generator=generator, dtype=v.dtype, device=v.device)
        kept = bernoulli(torch.full_like(v, 1 - self.level), generator)
        if self.kind == "masking":
            return v * kept
        return torch.where(kept > 0, v, bernoulli(torch.full_like(v, 0.5), generator))

    def weight(self, noisy: Tensor, clean: Tensor) -> Tensor | None:
        """Weights (B, n) of the reconstruction of `clean` from `noisy`, both (B, n); None where all are 1."""
        if self.emphasis == (1.0, 1.0):
            return None
        changed, unchanged = self.emphasis
        return torch.where(noisy == clean, unchanged, changed).to(clean.dtype)
