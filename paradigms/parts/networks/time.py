"""Embedding of the times and of the class for the shared network.

The frequencies are low on purpose: MeanFlow's target differentiates with respect to time, and sinusoids up to 64 pi
spoiled it on the digits (results/LOG.md). sCM (arXiv 2410.11081, section 4) has the same warning.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

N_FREQUENCIES = 8


class TimeEmbedding(nn.Module):
    """Embedding (t, r, label) -> (B, dim) by sinusoids of t and of t - r at multiples of pi/2.

    dim: size of the embedding.
    n_classes: classes, one of whose embeddings is added; 0 for none.

    Calling it without labels raises ValueError where there are classes.
    """

    def __init__(self, dim: int, n_classes: int = 0):
        super().__init__()
        self.register_buffer("frequencies", math.pi / 2 * torch.arange(1.0, N_FREQUENCIES + 1), persistent=False)
        self.time = nn.Linear(2 * N_FREQUENCIES, dim)
        self.gap = nn.Linear(2 * N_FREQUENCIES, dim)
        self.mix = nn.Linear(dim, dim)
        self.label = nn.Embedding(n_classes, dim) if n_classes else None

    def forward(self, t: Tensor, r: Tensor, label: Tensor | None = None) -> Tensor:
        hidden = self.time(self._sinusoids(t)) + self.gap(self._sinusoids(t - r))
        if self.label is not None:
            if label is None:
                raise ValueError("label = None; a class-conditional network needs the labels (B,) of its rows")
            hidden = hidden + self.label(label)
        return nn.functional.silu(self.mix(nn.functional.silu(hidden)))

    def _sinusoids(self, s: Tensor) -> Tensor:
        angle = s[:, None] * self.frequencies
        return torch.cat([angle.sin(), angle.cos()], dim=1)
