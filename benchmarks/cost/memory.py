"""Peak memory of a call, in bytes beyond the memory in use when it began."""

from __future__ import annotations

from collections.abc import Callable
from itertools import accumulate

import torch
from torch.profiler import ProfilerActivity, profile


def peak_memory(fn: Callable[[], object], device: torch.device | str) -> dict[str, int | None]:
    """Runs `fn()` once and returns its peak memory.

    allocated_bytes: peak of tensor memory during the call minus the tensor memory before it, which holds weights, data
        and optimiser state. On a CPU it is computed from the profiler's allocation events, which repeat to the byte
        once `fn` has run before; resident set sizes do not.
    reserved_bytes: peak of the CUDA allocator's whole pool, i.e. the memory that the GPU must have; None on a CPU.
    """
    device = torch.device(device)
    return _cuda(fn, device) if device.type == "cuda" else _cpu(fn)


def _cuda(fn: Callable[[], object], device: torch.device) -> dict[str, int | None]:
    torch.cuda.synchronize(device)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    before = torch.cuda.memory_allocated(device)
    fn()
    torch.cuda.synchronize(device)
    allocated = torch.cuda.max_memory_allocated(device) - before
    return {"allocated_bytes": allocated, "reserved_bytes": torch.cuda.max_memory_reserved(device)}


def _cpu(fn: Callable[[], object]) -> dict[str, int | None]:
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        fn()
    events = [event for event in profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
    sizes = (event.nbytes() for event in sorted(events, key=lambda event: event.start_ns()))
    return {"allocated_bytes": max(accumulate(sizes), default=0), "reserved_bytes": None}
