"""Kinds of hidden units of a restricted Boltzmann machine: the distribution of a unit's state given its total input.

Source: binary units: Hinton, Neural Computation 14, 2002; Gaussian units of unit variance: Hinton & Salakhutdinov,
"Reducing the dimensionality of data with neural networks", Science 313, 2006, supporting text.

A unit of state s whose total input (bias plus weighted states of its neighbours) is `field` has the energy
self_energy(s) - s field, and p(s | field) is proportional to exp(-energy).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from paradigms.parts.rbm.binary_units import bernoulli


class Units(NamedTuple):
    """Elementwise functions of one kind of unit, for tensors of any shape.

    mean: field -> E[s].
    draw: (mean, generator or None) -> sampled states.
    self_energy: s -> the part of the energy that depends on s alone.
    log_sum: field -> log of the sum (or integral) over s of exp(s field - self_energy(s)).
    """

    mean: Callable[[Tensor], Tensor]
    draw: Callable[[Tensor, torch.Generator | None], Tensor]
    self_energy: Callable[[Tensor], Tensor]
    log_sum: Callable[[Tensor], Tensor]


def _unchanged(field: Tensor) -> Tensor:
    return field


def _add_noise(mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
    return mean + torch.randn(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device)


def _half_square(s: Tensor) -> Tensor:
    return s.square() / 2


def _log_integral(field: Tensor) -> Tensor:
    return _half_square(field) + math.log(2 * math.pi) / 2


UNITS = {
    "binary": Units(torch.sigmoid, bernoulli, torch.zeros_like, F.softplus),
    "gaussian": Units(_unchanged, _add_noise, _half_square, _log_integral),
}
