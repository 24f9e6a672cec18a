"""Samplers of a velocity field from t = 1 to t = 0: Euler, Heun, iPNDM and DPM-Solver++, on a uniform grid.

A field is `velocity(x, t, r)` with t, r (B,); samplers of the ODE call it with r = t, the one that jumps with the time
it lands on. They count by themselves: a hook on the network sees every evaluation.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable

import torch
from torch import Tensor

Field = Callable[[Tensor, Tensor, Tensor], Tensor]

# Adams-Bashforth weights of the newest, second newest, ... slope on a uniform grid (Hairer et al. I, section III.1).
ADAMS_BASHFORTH = [[1], [3 / 2, -1 / 2], [23 / 12, -16 / 12, 5 / 12], [55 / 24, -59 / 24, 37 / 24, -9 / 24]]


def grid(n_steps: int, like: Tensor) -> Tensor:
    """n_steps + 1 times from 1 down to 0, each repeated over the batch of `like`: (n_steps + 1, B)."""
    times = torch.linspace(1, 0, n_steps + 1, dtype=like.dtype, device=like.device)
    return times[:, None].expand(-1, len(like))


def euler(field: Field, x: Tensor, nfe: int) -> Tensor:
    """Order 1, one evaluation a step."""
    times = grid(nfe, x)
    for t in times[:-1]:
        x = x - field(x, t, t) / nfe
    return x


def heun(field: Field, x: Tensor, nfe: int) -> Tensor:
    """Order 2, two evaluations a step: nfe must be even (the explicit trapezoid, Hairer et al. I, table II.1.1)."""
    n_steps = nfe // 2
    times = grid(n_steps, x)
    for t, r in itertools.pairwise(times):
        slope = field(x, t, t)
        x = x - (slope + field(x - slope / n_steps, r, r)) / (2 * n_steps)
    return x


def ipndm(field: Field, x: Tensor, nfe: int) -> Tensor:
    """Adams-Bashforth of order up to 4, one evaluation a step, lower orders on the first steps (Zhang & Chen 2023)."""
    times = grid(nfe, x)
    slopes: list[Tensor] = []
    for t in times[:-1]:
        slopes = [field(x, t, t), *slopes[:3]]
        weights = ADAMS_BASHFORTH[len(slopes) - 1]
        x = x - sum(w * slope for w, slope in zip(weights, slopes, strict=True)) / nfe
    return x


def dpmpp(field: Field, x: Tensor, nfe: int) -> Tensor:
    """DPM-Solver++ (2M), one evaluation a step: linear extrapolation of E[x | x_t] in lambda = log((1 - t) / t).

    Lu et al., "DPM-Solver++", 2022 (arXiv 2211.01095), algorithm 2. The first step has no history and the last ends
    where lambda is infinite: both are of order 1, as in the authors' code for few steps.
    """
    times = grid(nfe, x)
    before = h_before = None
    for index, (t, s) in enumerate(itertools.pairwise(times)):
        t, s = (time.view(-1, *[1] * (x.dim() - 1)) for time in (t, s))
        clean = x - t * field(x, times[index], times[index])
        h = torch.log((1 - s) * t) - torch.log(s * (1 - t))  # infinite in the first step and in the last
        ahead = clean if before is None or index == nfe - 1 else clean + h / h_before / 2 * (clean - before)
        x = s / t * x - (1 - s) * torch.expm1(-h) * ahead
        before, h_before = clean, h
    return x


def jump(field: Field, x: Tensor, nfe: int) -> Tensor:
    """Steps of an average velocity u(x, t, r): x_r = x_t - (t - r) u (MeanFlow, equation 12)."""
    times = grid(nfe, x)
    for t, r in itertools.pairwise(times):
        x = x - field(x, t, r) / nfe
    return x


SAMPLERS = {"euler": euler, "heun": heun, "ipndm": ipndm, "dpmpp": dpmpp, "jump": jump}


def allows(sampler: str, nfe: int) -> bool:
    """Whether `sampler` can spend exactly `nfe` evaluations."""
    return nfe >= 1 and (sampler != "heun" or nfe % 2 == 0)
