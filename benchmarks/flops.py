"""Counts the FLOPs that a call executes: matrix products, convolutions and attention, forward, backward, forward-mode.

Products with a vector, outer products and distances of all pairs (`OTHER_PRODUCTS`) are counted as well.

Elementwise work, norms and random numbers are not counted, as in papers. `func.jvp` of a layer counts three forward
passes, not two, because torch executes three: it multiplies by the zero tangent of the weight (pytorch issue 69687).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode, flop_registry, sdpa_backward_flop, sdpa_flop, shape_wrapper

from paradigms.base import Paradigm
from paradigms.parts.networks.shared_network import plainly

# Without these, attention on a CPU is not counted (pytorch issue 195460).
CPU_ATTENTION = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: sdpa_flop.__wrapped__,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: sdpa_backward_flop.__wrapped__,
}


def _pairs_flop(a: list[int], b: list[int], *_, out_shape: list[int], **__) -> int:
    return 3 * math.prod(out_shape) * a[-1]  # difference, power and sum of every coordinate of every pair


def _cdist_backward_flop(grad: list[int], a: list[int], *_, **__) -> int:
    return 3 * math.prod(grad) * a[-1]


def _euclidean_flop(a: list[int], b: list[int], *_, out_shape: list[int], **__) -> int:
    return 2 * math.prod(out_shape) * (a[-1] + 2)  # one matrix product, with the squared norms as two more columns


def _pdist_flop(a: list[int], *_, out_shape: list[int], **__) -> int:
    return 3 * math.prod(out_shape) * a[-1]


def _trilinear_flop(*args: object, **_) -> int:
    shapes = [list(shape) for shape in args[:3]]
    for shape, dims in zip(shapes, args[3:6], strict=True):
        for dim in dims:
            shape.insert(dim, 1)
    return 3 * math.prod(torch.broadcast_shapes(*map(tuple, shapes)))  # two multiplications and a sum


# Products with an operator of their own that torch's counter does not know. Sums of broadcast products have none.
OTHER_PRODUCTS = {
    torch.ops.aten.mv: lambda a, x, **_: 2 * math.prod(a),
    torch.ops.aten.addmv: lambda y, a, x, **_: 2 * math.prod(a),
    torch.ops.aten.dot: lambda a, b, **_: 2 * a[0],
    torch.ops.aten.vdot: lambda a, b, **_: 2 * a[0],
    torch.ops.aten.addr: lambda m, a, b, **_: 2 * a[0] * b[0],
    torch.ops.aten.addbmm: lambda m, a, b, **_: 2 * math.prod(a) * b[-1],
    torch.ops.aten._trilinear: _trilinear_flop,
    torch.ops.aten._cdist_forward: _pairs_flop,
    torch.ops.aten._cdist_backward: _cdist_backward_flop,
    torch.ops.aten._euclidean_dist: _euclidean_flop,
    torch.ops.aten._pdist_forward: _pdist_flop,
}


FLOPS_ROWS = 8  # samples generated to count the FLOPs of one


class _OnlyTotals(nullcontext):
    """Replaces the counter's module tracker, whose hooks forbid gradients with respect to inputs."""

    parents = frozenset({"Global"})


def count_flops(fn: Callable[[], object], watch: Callable[[list[Tensor], int], None] | None = None) -> int:
    """Returns the floating-point operations of `fn()`, which runs once; a multiply-add is two.

    The counter slows the call down, so nothing may be timed inside it.

    watch: called after every counted operation with the tensors that it was given and its FLOPs.
    """
    formulas = CPU_ATTENTION | OTHER_PRODUCTS
    if watch:
        known = flop_registry | {op: shape_wrapper(formula) for op, formula in formulas.items()}
        formulas = {op: _watched(formula, watch) for op, formula in known.items()}
    counter = FlopCounterMode(display=False, custom_mapping=formulas)
    counter.mod_tracker = _OnlyTotals()
    with counter, plainly():  # the counter does not see products in compiled code
        fn()
    return counter.get_total_flops()


def _watched(formula: Callable[..., int], watch: Callable[[list[Tensor], int], None]) -> Callable[..., int]:
    def count(*args: object, **kwargs: object) -> int:
        flops = formula(*args, **kwargs)
        given = {name: value for name, value in kwargs.items() if name not in ("out", "out_val")}
        watch([leaf for leaf in tree_leaves((args, given)) if isinstance(leaf, Tensor)], flops)
        return flops

    count._get_raw = True
    return count


@torch.no_grad()
def flops_per_sample(paradigm: Paradigm, nfe: int, sampler: str) -> float:
    """Returns the counted FLOPs of generating one sample, from a small batch.

    paradigm: of any weights.
    nfe: evaluations per sample.
    sampler: one of `paradigm.samplers`.
    """
    generator = torch.Generator(paradigm.device).manual_seed(0)
    return count_flops(lambda: paradigm.sample(FLOPS_ROWS, nfe, generator, sampler)) / FLOPS_ROWS
