"""A stack of fully connected layers under a softmax: what layer-wise pre-training initialises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from paradigms.parts.options import fractions


class Recogniser(nn.Module):
    """widths: units of the input and of every hidden layer. activation: class of the nonlinearity. drop: share of
    hidden units dropped in training. normalised: batch normalisation before each nonlinearity.

    Raises ValueError where `drop` is no share.
    """

    def __init__(
        self,
        widths: Sequence[int],
        n_classes: int,
        activation: type[nn.Module] = nn.Sigmoid,
        drop: float = 0,
        normalised: bool = False,
    ):
        super().__init__()
        fractions(dropout=drop)
        self.layers = nn.ModuleList(nn.Linear(n_in, n_out) for n_in, n_out in pairwise(widths))
        self.norms = nn.ModuleList(nn.BatchNorm1d(n) if normalised else nn.Identity() for n in widths[1:])
        self.activation, self.dropout = activation(), nn.Dropout(drop)
        self.softmax = nn.Linear(widths[-1], n_classes)

    def features(self, v: Tensor) -> Tensor:
        """Activities (B, widths[-1]) of the last hidden layer for input v (B, widths[0])."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            v = self.dropout(self.activation(norm(layer(v))))
        return v

    def forward(self, v: Tensor) -> Tensor:
        """Class scores (B, n_classes)."""
        return self.softmax(self.features(v))

    @torch.no_grad()
    def adopt(self, pretrained: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Copy pre-trained (W (n_in, n_out), hbias (n_out,)) into the hidden layers; the softmax stays random."""
        for layer, (W, hbias) in zip(self.layers, pretrained, strict=True):
            layer.weight.copy_(W.T)
            layer.bias.copy_(hbias)
