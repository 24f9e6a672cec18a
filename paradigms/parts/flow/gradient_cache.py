"""Gradient caching: a loss that couples all samples of a batch, at the memory of a part of the batch.

Source: Gao, Zhang, Han & Callan, "Scaling deep contrastive learning batch size under memory limited setup", 2021.

Samples are generated without a graph, and the gradient of the loss with respect to the samples is kept. Then each part
of the batch is generated again, with its graph, and propagates its part of that gradient. The result is the gradient of
the whole batch; the sum of the losses of parts would be a different loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def cached_loss(
    draw: Callable[..., Tensor],
    loss: Callable[[Tensor], Tensor],
    given: Sequence[Tensor],
    parameters: Sequence[nn.Parameter],
    n_rows: int,
) -> Tensor:
    """Returns loss(draw(*given)), a scalar that is differentiable once with respect to `parameters`.

    draw: deterministic function from rows of `given` to samples, (n, ...); each sample depends on its own row alone.
    loss: samples -> scalar.
    given: noise (n, ...) and whatever else a sample is a function of.
    parameters: what `draw` depends on.
    n_rows: samples that have a graph at a time, which bounds the memory.
    """
    return _Cached.apply(draw, loss, given, n_rows, *parameters)


class _Cached(torch.autograd.Function):
    @staticmethod
    def forward(ctx, draw, loss, given: Sequence[Tensor], n_rows: int, *parameters: Tensor) -> Tensor:
        parts = list(zip(*(rows.split(n_rows) for rows in given), strict=True))
        samples = torch.cat([draw(*part) for part in parts])
        with torch.enable_grad():
            samples.requires_grad_()
            value = loss(samples)
            (gradient,) = torch.autograd.grad(value, samples)
        ctx.draw, ctx.parameters = draw, parameters
        ctx.parts = list(zip(parts, gradient.split(n_rows), strict=True))
        return value.detach()

    @staticmethod
    def backward(ctx, scale: Tensor) -> tuple[Tensor | None, ...]:
        wanted = [p for p, needed in zip(ctx.parameters, ctx.needs_input_grad[4:], strict=True) if needed]
        totals = [torch.zeros_like(p) for p in wanted]
        for part, gradient in ctx.parts:
            with torch.enable_grad():
                samples = ctx.draw(*part)
            found = torch.autograd.grad(samples, wanted, gradient * scale, allow_unused=True)
            for total, share in zip(totals, found, strict=True):
                if share is not None:
                    total += share
        left = iter(totals)
        return None, None, None, None, *(next(left) if needed else None for needed in ctx.needs_input_grad[4:])
