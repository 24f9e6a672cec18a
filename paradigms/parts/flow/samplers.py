"""Samplers: integrate a velocity field from t = 1 (noise) to t = 0 (data) in equal steps.

Euler; Heun; iPNDM; DPM-Solver++ (2M); and jumps of an average velocity. Samplers of the ODE evaluate the field with
r = t; the jump evaluates it with the time r on which it lands. The number of evaluations is not declared anywhere: a
hook on the network counts them.

symbol    meaning                                     shape
field     field(x, t, r): velocity at x               (B, ...)
x         state of the chain                          (B, ...)
t, r      time of a step's start and of its end       (B,)
nfe       evaluations of the field
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from paradigms.parts.flow.flow import Field, over_image

MAX_ORDER = 4


def grid(n_steps: int, like: Tensor) -> Tensor:
    """Returns n_steps + 1 equally spaced times from 1 down to 0, each repeated over the batch: (n_steps + 1, B).

    like: states (B, ...), whose device and type the times take.
    """
    times = torch.linspace(1, 0, n_steps + 1, dtype=like.dtype, device=like.device)
    return times[:, None].expand(-1, len(like))


def times_on_host(n_steps: int) -> list[float]:
    """Returns the times of `grid` as Python numbers: coefficients computed from them need no transfer from a GPU."""
    return [1 - step / n_steps for step in range(n_steps + 1)]


def euler(field: Field, x: Tensor, nfe: int) -> Tensor:
    """Returns the end of the chain by Euler's method: order 1, one evaluation per step."""
    for t, r in itertools.pairwise(grid(nfe, x)):
        x = x - over_image(t - r, x) * field(x, t, t)
    return x


def heun(field: Field, x: Tensor, nfe: int) -> Tensor:
    """Returns the end of the chain by Heun's method: order 2, two evaluations per step, so `nfe` must be even.

    Source: the explicit trapezoidal rule, Hairer, Norsett & Wanner I, table II.1.1.
    """
    for t, r in itertools.pairwise(grid(nfe // 2, x)):
        slope, step = field(x, t, t), over_image(t - r, x)
        x = x - step * (slope + field(x - step * slope, r, r)) / 2
    return x


def ipndm(field: Field, x: Tensor, nfe: int) -> Tensor:
    """Returns the end of the chain by Adams-Bashforth of order up to 4, one evaluation per step.

    The first steps have lower orders, since they have fewer earlier slopes.

    Source: Zhang & Chen, "Fast sampling of diffusion models with exponential integrator", ICLR 2023.
    """
    times, at = grid(nfe, x), times_on_host(nfe)
    slopes: list[Tensor] = []
    for step in range(nfe):
        slopes = [field(x, times[step], times[step]), *slopes[: MAX_ORDER - 1]]
        weights = adams_bashforth(at[step + 1 - len(slopes) : step + 1][::-1], at[step + 1])
        x = x + sum(w * slope for w, slope in zip(weights, slopes, strict=True))
    return x


def adams_bashforth(nodes: Sequence[float], end: float) -> list[float]:
    """Returns weights whose sum with the slopes at `nodes` is the integral of the polynomial through these slopes.

    nodes: times of the slopes, the newest first.
    end: the integral runs from the newest node to here.

    Source: Hairer, Norsett & Wanner I, section III.5.
    """
    step = end - nodes[0]
    offsets = (torch.tensor(nodes, dtype=torch.float64) - nodes[0]) / step
    degrees = torch.arange(len(nodes), dtype=torch.float64)
    return (step * torch.linalg.solve(offsets ** degrees[:, None], 1 / (degrees + 1))).tolist()


def dpmpp(field: Field, x: Tensor, nfe: int) -> Tensor:
    """Returns the end of the chain by DPM-Solver++ (2M): one evaluation per step, order 2 but for the first and last.

    It extrapolates E[x | x_t] linearly in lambda = log((1 - t) / t). The first step has no history, and the last ends
    where lambda is infinite; both are of order 1, as in the authors' code for few steps.

    Source: Lu et al., "DPM-Solver++", 2022 (arXiv 2211.01095), algorithm 2.
    """
    times, at = grid(nfe, x), times_on_host(nfe)
    before, h_before = None, math.inf
    for index, (t, s) in enumerate(itertools.pairwise(at)):
        clean = x - t * field(x, times[index], times[index])
        inner = 0 < index < nfe - 1  # h is infinite in the first step and in the last
        h = math.log((1 - s) * t / (s * (1 - t))) if inner else math.inf
        ahead = clean + h / h_before / 2 * (clean - before) if inner else clean
        # The authors' (1 - s) (1 - exp(-h)) equals 1 - s / t on this path.
        x = s / t * x + (1 - s / t) * ahead
        before, h_before = clean, h
    return x


def jump(field: Field, x: Tensor, nfe: int) -> Tensor:
    """Returns the end of the chain of jumps x_r = x_t - (t - r) u(x_t, t, r), where u is an average velocity.

    Source: Geng et al., "Mean Flows for One-step Generative Modeling", 2025, equation 12.
    """
    for t, r in itertools.pairwise(grid(nfe, x)):
        x = x - over_image(t - r, x) * field(x, t, r)
    return x


SAMPLERS = {"euler": euler, "heun": heun, "ipndm": ipndm, "dpmpp": dpmpp, "jump": jump}


def allows(sampler: str, nfe: int) -> bool:
    """Returns whether `sampler` can spend exactly `nfe` evaluations."""
    return nfe >= 1 and (sampler != "heun" or nfe % 2 == 0)
