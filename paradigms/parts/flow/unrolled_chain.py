"""The Euler sampler with gradients on, so that one loss on its end trains the whole chain or some of its steps."""

from __future__ import annotations

from collections.abc import Collection
from itertools import pairwise

import torch
from torch import Tensor

from paradigms.parts.flow import samplers
from paradigms.parts.flow.flow import Field, over_image

STEPS = (1, 2, 4, 8)


def unroll(field: Field, eps: Tensor, k: int, steps: Collection[int] | None = None) -> Tensor:
    """Returns the samples (B, C, H, W) at the end of k Euler steps.

    field: the velocity.
    eps: noise, (B, C, H, W).
    steps: numbers of the steps whose evaluation receives gradient; None for all. A step without gradient adds its
        velocity as a constant, so earlier steps still receive gradient along the straight part.
    """
    x = eps
    for step, (t, r) in enumerate(pairwise(samplers.grid(k, eps))):
        with torch.set_grad_enabled(torch.is_grad_enabled() and (steps is None or step in steps)):
            velocity = field(x, t, t)
        x = x - over_image(t - r, x) * velocity
    return x


def check_steps(k: int, reach: int) -> None:
    """Raises ValueError unless k is one of `STEPS` and reach is 1 to k."""
    if k not in STEPS:
        raise ValueError(f"k = {k!r}; allowed: {', '.join(map(str, STEPS))}")
    if not 1 <= reach <= k:
        raise ValueError(f"reach = {reach}; allowed: 1 to k = {k}")
