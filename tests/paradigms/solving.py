"""Trains one stage on one batch, and differentiates a loss numerically, for tests of what a stage's loss does."""

from collections.abc import Callable, Iterable
from dataclasses import replace

import torch
from torch import Tensor, nn

from paradigms.base import Batch, Paradigm, Stage


def solve(paradigm: Paradigm, stage: Stage, batch: Batch, n_updates: int = 5) -> None:
    """Enters and begins `stage`, makes `n_updates` updates at a constant rate on the one batch, and leaves it."""
    paradigm.enter(replace(stage, schedule=lambda progress: 1.0), n_updates)
    with torch.no_grad():
        stage.begin()
    paradigm.restart_averages()
    optimizer = paradigm.configure_optimizers()
    for _ in range(n_updates):
        paradigm.update_once(batch, optimizer)
    paradigm.leave()


def slopes(
    loss: Callable[[], Tensor], parameters: Iterable[nn.Parameter], varied: Callable[[], Tensor] | None = None
) -> tuple[float, float]:
    """Returns the slope of `loss` along a random direction of `parameters`, by backward and by a central difference.

    loss: float64 scalar with a graph, from the same random numbers in every call.
    varied: the loss whose difference is taken; None for `loss` itself.
    """
    parameters, h, generator = list(parameters), 1e-6, torch.Generator().manual_seed(0)
    directions = [torch.randn(p.shape, generator=generator, dtype=p.dtype) for p in parameters]
    gradients = torch.autograd.grad(loss(), parameters)
    values = []
    with torch.no_grad():
        for step in (h, -2 * h):
            torch._foreach_add_(parameters, directions, alpha=step)
            values.append(float((varied or loss)()))
        torch._foreach_add_(parameters, directions, alpha=h)
    by_backward = sum(float((g * d).sum()) for g, d in zip(gradients, directions, strict=True))
    return by_backward, (values[0] - values[1]) / (2 * h)
