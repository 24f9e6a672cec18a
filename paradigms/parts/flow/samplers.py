"""Samplers of a velocity field from t = 1 to t = 0: Euler, Heun, iPNDM and DPM-Solver++, on a grid of times.

A field is `velocity(x, t, r)` with t, r (B,); samplers of the ODE call it with r = t, the one that jumps with the time
it lands on. They count by themselves: a hook on the network sees every evaluation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from paradigms.parts.flow.flow import Field, over_image

MAX_ORDER = 4


def grid(n_steps: int, like: Tensor, power: float = 1.0) -> Tensor:
    """n_steps + 1 times from 1 down to 0, each repeated over the batch of `like`: (n_steps + 1, B).

    power: 1 for equal steps; above it the steps grow shorter towards the data, below it towards the noise.
    """
    times = torch.linspace(1, 0, n_steps + 1, dtype=like.dtype, device=like.device) ** power
    return times[:, None].expand(-1, len(like))


def moments(n_steps: int, power: float = 1.0) -> list[float]:
    """The same times as numbers, for weights that depend on nothing else: no device is asked for them."""
    return [(1 - step / n_steps) ** power for step in range(n_steps + 1)]


def euler(field: Field, x: Tensor, nfe: int, power: float = 1.0) -> Tensor:
    """Order 1, one evaluation a step."""
    for t, r in itertools.pairwise(grid(nfe, x, power)):
        x = x - over_image(t - r, x) * field(x, t, t)
    return x


def heun(field: Field, x: Tensor, nfe: int, power: float = 1.0) -> Tensor:
    """Order 2, two evaluations a step: nfe must be even (the explicit trapezoid, Hairer et al. I, table II.1.1)."""
    for t, r in itertools.pairwise(grid(nfe // 2, x, power)):
        slope, step = field(x, t, t), over_image(t - r, x)
        x = x - step * (slope + field(x - step * slope, r, r)) / 2
    return x


def ipndm(field: Field, x: Tensor, nfe: int, power: float = 1.0) -> Tensor:
    """Adams-Bashforth of order up to 4, one evaluation a step, lower orders on the first steps (Zhang & Chen 2023).

    The published weights are those of equal steps; these are the exact ones of the grid at hand.
    """
    times, at = grid(nfe, x, power), moments(nfe, power)
    slopes: list[Tensor] = []
    for step in range(nfe):
        slopes = [field(x, times[step], times[step]), *slopes[: MAX_ORDER - 1]]
        weights = adams_bashforth(at[step + 1 - len(slopes) : step + 1][::-1], at[step + 1])
        x = x + sum(w * slope for w, slope in zip(weights, slopes, strict=True))
    return x


def adams_bashforth(nodes: Sequence[float], end: float) -> list[float]:
    """Weights of slopes at times `nodes`, the newest first, whose sum is the integral from the newest node to `end` of
    the polynomial through them (Hairer et al. I, section III.5)."""
    step = end - nodes[0]
    offsets = (torch.tensor(nodes, dtype=torch.float64) - nodes[0]) / step
    degrees = torch.arange(len(nodes), dtype=torch.float64)
    return (step * torch.linalg.solve(offsets ** degrees[:, None], 1 / (degrees + 1))).tolist()


def dpmpp(field: Field, x: Tensor, nfe: int, power: float = 1.0) -> Tensor:
    """DPM-Solver++ (2M), one evaluation a step: linear extrapolation of E[x | x_t] in lambda = log((1 - t) / t).

    Lu et al., "DPM-Solver++", 2022 (arXiv 2211.01095), algorithm 2. The first step has no history and the last ends
    where lambda is infinite: both are of order 1, as in the authors' code for few steps.
    """
    times, at = grid(nfe, x, power), moments(nfe, power)
    before, h_before = None, math.inf
    for index, (t, s) in enumerate(itertools.pairwise(at)):
        clean = x - t * field(x, times[index], times[index])
        inner = 0 < index < nfe - 1  # h is infinite in the first step and in the last
        h = math.log((1 - s) * t / (s * (1 - t))) if inner else math.inf
        ahead = clean + h / h_before / 2 * (clean - before) if inner else clean
        # (1 - s)(1 - exp(-h)), as the authors have it, is 1 - s / t on this path.
        x = s / t * x + (1 - s / t) * ahead
        before, h_before = clean, h
    return x


def jump(field: Field, x: Tensor, nfe: int, power: float = 1.0) -> Tensor:
    """Steps of an average velocity u(x, t, r): x_r = x_t - (t - r) u (MeanFlow, equation 12)."""
    for t, r in itertools.pairwise(grid(nfe, x, power)):
        x = x - over_image(t - r, x) * field(x, t, r)
    return x


SAMPLERS = {"euler": euler, "heun": heun, "ipndm": ipndm, "dpmpp": dpmpp, "jump": jump}


def allows(sampler: str, nfe: int) -> bool:
    """Whether `sampler` can spend exactly `nfe` evaluations."""
    return nfe >= 1 and (sampler != "heun" or nfe % 2 == 0)
