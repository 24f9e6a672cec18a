"""Kinds of units of a restricted Boltzmann machine: what a unit does with the field it feels.

Source: binary units: Hinton, Neural Computation 14, 2002; Gaussian ones of unit variance: Hinton & Salakhutdinov,
"Reducing the dimensionality of data with neural networks", Science 313, 2006, supporting text.

A unit of state s that feels `field` has the energy own(s) - s field.
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
    """mean: field -> E[s]. field: its inverse, kept finite. draw: (mean, generator) -> states. own: s -> own(s).
    log_sum: field -> log of the sum (or integral) over s of exp(s field - own(s)). All elementwise, any shape."""

    mean: Callable[[Tensor], Tensor]
    field: Callable[[Tensor], Tensor]
    draw: Callable[[Tensor, torch.Generator | None], Tensor]
    own: Callable[[Tensor], Tensor]
    log_sum: Callable[[Tensor], Tensor]


def _log_odds(mean: Tensor) -> Tensor:
    return torch.logit(mean, eps=0.01)


def _unchanged(field: Tensor) -> Tensor:
    return field


def _add_noise(mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
    return mean + torch.randn(mean.shape, generator=generator, dtype=mean.dtype, device=mean.device)


def _half_square(s: Tensor) -> Tensor:
    return s.square() / 2


def _log_integral(field: Tensor) -> Tensor:
    return _half_square(field) + math.log(2 * math.pi) / 2


UNITS = {
    "binary": Units(torch.sigmoid, _log_odds, bernoulli, torch.zeros_like, F.softplus),
    "gaussian": Units(_unchanged, _unchanged, _add_noise, _half_square, _log_integral),
}
