"""Initialisation of fully connected layers, which decides whether deep networks train without pre-training.

Source: "standard" (the common heuristic of 1986 to 2005) and "glorot" (equation 16): Glorot & Bengio, "Understanding
the difficulty of training deep feedforward neural networks", AISTATS 2010; "he" (equation 10): He, Zhang, Ren & Sun,
"Delving deep into rectifiers", ICCV 2015.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

STARTS = ("standard", "glorot", "he")
ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "gelu": nn.GELU}
GAINS = {"sigmoid": 4.0}  # the slope of a sigmoid at 0 is 1/4, that of tanh is 1


@torch.no_grad()
def initialise(layers: Iterable[nn.Linear], start: str, activation: str) -> None:
    """Initialise weights and biases in place.

    layers: fully connected layers that feed units of `activation`.
    start: "standard": U(-1, 1) / sqrt(n_in) for weights and biases (PyTorch's default); "glorot": U(-1, 1) times
        sqrt(6 / (n_in + n_out)), four times that for sigmoids, and zero biases; "he": N(0, 2 / n_in) and zero biases.
    activation: a key of ACTIVATIONS.
    """
    for layer in layers:
        if start == "standard":
            layer.reset_parameters()
            continue
        if start == "glorot":
            nn.init.xavier_uniform_(layer.weight, GAINS.get(activation, 1.0))
        else:
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)
