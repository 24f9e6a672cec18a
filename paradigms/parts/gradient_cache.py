"""A loss that couples all samples of a batch, without the memory of all their chains.

Source: Gao, Zhang, Han & Callan, "Scaling deep contrastive learning batch size under memory limited setup", 2021
(gradient caching). Samples are drawn without a graph and the loss differentiates them alone; then each part of the
batch is drawn again, with its graph, and passes its part of that gradient on. The result is the gradient of the whole
batch; adding up the losses of parts would be another loss.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


def cached_loss(
    draw: Callable[[Tensor], Tensor],
    loss: Callable[[Tensor], Tensor],
    eps: Tensor,
    parameters: Sequence[nn.Parameter],
    n_rows: int,
) -> Tensor:
    """loss(draw(eps)), a scalar, with its gradient for `parameters`, at the memory of `n_rows` rows of a draw.

    draw: noise (n, ...) -> samples (n, ...), each row on its own and without randomness. Differentiable once.
    """
    return _Cached.apply(draw, loss, eps, n_rows, *parameters)


class _Cached(torch.autograd.Function):
    @staticmethod
    def forward(ctx, draw, loss, eps: Tensor, n_rows: int, *parameters: Tensor) -> Tensor:
        samples = torch.cat([draw(rows) for rows in eps.split(n_rows)])
        with torch.enable_grad():
            samples.requires_grad_()
            value = loss(samples)
            (gradient,) = torch.autograd.grad(value, samples)
        ctx.draw, ctx.parameters = draw, parameters
        ctx.parts = list(zip(eps.split(n_rows), gradient.split(n_rows), strict=True))
        return value.detach()

    @staticmethod
    def backward(ctx, scale: Tensor) -> tuple[Tensor | None, ...]:
        wanted = [p for p, needed in zip(ctx.parameters, ctx.needs_input_grad[4:], strict=True) if needed]
        totals = [torch.zeros_like(p) for p in wanted]
        for eps, gradient in ctx.parts:
            with torch.enable_grad():
                samples = ctx.draw(eps)
            found = torch.autograd.grad(samples, wanted, gradient * scale, allow_unused=True)
            for total, part in zip(totals, found, strict=True):
                if part is not None:
                    total += part
        left = iter(totals)
        return None, None, None, None, *(next(left) if needed else None for needed in ctx.needs_input_grad[4:])
