"""Counts the FLOPs that a call executes: matrix products, convolutions and attention, forward, backward, forward-mode.

Elementwise work, norms and random numbers are not counted, as in papers. `func.jvp` of a layer counts three forward
passes, not two, because torch executes three: it multiplies by the zero tangent of the weight (pytorch issue 69687).
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop, sdpa_flop

from paradigms.base import Paradigm
from paradigms.parts.networks.shared_network import plainly

# Without these, attention on a CPU is not counted (pytorch issue 195460).
CPU_ATTENTION = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: sdpa_flop.__wrapped__,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: sdpa_backward_flop.__wrapped__,
}

FLOPS_ROWS = 8  # samples generated to count the FLOPs of one


class _OnlyTotals(nullcontext):
    """Replaces the counter's module tracker, whose hooks forbid gradients with respect to inputs."""

    parents = frozenset({"Global"})


def count_flops(fn: Callable[[], object]) -> int:
    """Returns the floating-point operations of `fn()`, which runs once; a multiply-add is two.

    The counter slows the call down, so nothing may be timed inside it.
    """
    counter = FlopCounterMode(display=False, custom_mapping=CPU_ATTENTION)
    counter.mod_tracker = _OnlyTotals()
    with counter, plainly():  # the counter does not see products in compiled code
        fn()
    return counter.get_total_flops()


@torch.no_grad()
def flops_per_sample(paradigm: Paradigm, nfe: int, sampler: str) -> float:
    """Returns the counted FLOPs of generating one sample, from a small batch.

    paradigm: of any weights.
    nfe: evaluations per sample.
    sampler: one of `paradigm.samplers`.
    """
    generator = torch.Generator(paradigm.device).manual_seed(0)
    return count_flops(lambda: paradigm.sample(FLOPS_ROWS, nfe, generator, sampler)) / FLOPS_ROWS
