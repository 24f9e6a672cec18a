"""Multilayer perceptron with a softmax output: the network that layer-wise pre-training initialises."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from paradigms.parts.options import fractions


class Recogniser(nn.Module):
    """Multilayer perceptron with a softmax output.

    widths: units of the input and of each hidden layer.
    n_classes: number of classes.
    activation: class of the nonlinearity.
    drop: probability that a hidden unit is dropped in training, in [0, 1).
    normalised: whether batch normalisation precedes each nonlinearity.

    Raises ValueError where `drop` is outside its range.
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
        """Activations (B, widths[-1]) of the last hidden layer for input v (B, widths[0])."""
        for layer, norm in zip(self.layers, self.norms, strict=True):
            v = self.dropout(self.activation(norm(layer(v))))
        return v

    def forward(self, v: Tensor) -> Tensor:
        """Class scores (logits) (B, n_classes) for input v (B, widths[0])."""
        return self.softmax(self.features(v))

    @torch.no_grad()
    def adopt(self, pretrained: Iterable[tuple[Tensor, Tensor]]) -> None:
        """Copy pre-trained parameters into the hidden layers; the softmax layer keeps its random initialisation.

        pretrained: (W (n_in, n_out), hbias (n_out,)) of each hidden layer, the lowest first.
        """
        for layer, (W, hbias) in zip(self.layers, pretrained, strict=True):
            layer.weight.copy_(W.T)
            layer.bias.copy_(hbias)
