"""FLOPs that a call executes: matrix products, convolutions and attention, forward, backward and forward-mode.

Elementwise work, norms and random numbers count as nothing, as usual. `func.jvp` over a layer counts three forwards,
not two, and that is real: torch multiplies by the zero tangent of the closed-over weight (pytorch #69687).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop, sdpa_flop

from paradigms.base import Paradigm
from paradigms.parts.networks.shared_network import plainly

# Without these, attention on a CPU counts as nothing (pytorch #195460).
CPU_ATTENTION = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: sdpa_flop.__wrapped__,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: sdpa_backward_flop.__wrapped__,
}


FLOPS_ROWS = 8  # samples drawn to count the FLOPs of one


class _OnlyTotals(nullcontext):
    """Stands in for the counter's module tracker, whose hooks forbid gradients with respect to inputs."""

    parents = frozenset({"Global"})


def count_flops(fn: Callable[[], object]) -> int:
    """Floating-point operations (a multiply-add is two) of `fn()`, run once. Slow: never time inside it."""
    counter = FlopCounterMode(display=False, custom_mapping=CPU_ATTENTION)
    counter.mod_tracker = _OnlyTotals()
    with counter, plainly():  # compiled code would hide its products
        fn()
    return counter.get_total_flops()


@torch.no_grad()
def flops_per_sample(paradigm: Paradigm, nfe: int, sampler: str) -> float:
    """Counted FLOPs of drawing one sample, from a small batch."""
    generator = torch.Generator(paradigm.device).manual_seed(0)
    return count_flops(lambda: paradigm.sample(FLOPS_ROWS, nfe, generator, sampler)) / FLOPS_ROWS
