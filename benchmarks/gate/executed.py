"""Counts what an update, a sample or a forward pass executes: operations, FLOPs and bytes.

Every count is taken twice; one that differs is not a counter, and its value is None.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from itertools import accumulate

import torch
from torch import Tensor
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks.fit import Fit
from benchmarks.flops import count_flops
from benchmarks.job import Job
from paradigms.base import Batch, Paradigm

OPERATIONS, SYNCS = "operations", "host synchronisations"
DOUBLE, HALF = "float64 operations", "half-precision operations"
PEAK, KEPT = "peak bytes", "bytes kept"
FLOPS = "FLOPs"
WAITING = {"_local_scalar_dense", "equal", "is_nonzero", "nonzero", "masked_select", "_unique2", "unique_dim"}
FIRST, N_UPDATES = 2, 9  # the first updates allocate what later ones reuse


class Operations(TorchDispatchMode):
    """Counts the operations that torch dispatches inside, and those that wait for the device or are not in float32."""

    def __init__(self) -> None:
        super().__init__()
        self.found = Counter({OPERATIONS: 0, SYNCS: 0, DOUBLE: 0, HALF: 0})

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        dtypes = {leaf.dtype for leaf in tree_leaves(result) if isinstance(leaf, Tensor)}
        self.found[OPERATIONS] += 1
        self.found[SYNCS] += func.overloadpacket.__name__ in WAITING
        self.found[DOUBLE] += bool(dtypes & {torch.float64, torch.complex128})
        self.found[HALF] += bool(dtypes & {torch.float16, torch.bfloat16})
        return result


class Memory:
    """Tensor memory inside: its peak, and what is still there at the end, both beyond what was there before."""

    def __enter__(self) -> Memory:
        gc.collect()
        gc.disable()  # a collection in between would free what earlier code has left
        self.profiler = profile(activities=[ProfilerActivity.CPU], profile_memory=True)
        self.profiler.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.profiler.__exit__(*error)
        gc.enable()
        events = [event for event in self.profiler.profiler.kineto_results.events() if event.name() == "[memory]"]
        sizes = [event.nbytes() for event in sorted(events, key=lambda event: event.start_ns())]
        self.found = {PEAK: max(accumulate(sizes), default=0), KEPT: sum(sizes)}


def of_call(fn: Callable[[], object]) -> dict[str, int | None]:
    """Counters of `fn()`, which must do the same at every call and runs six times."""
    fn()
    counts = []
    for instrument in (Operations, Operations, Memory, Memory):
        with instrument() as running:
            fn()
        counts.append(running.found)
    return {FLOPS: count_flops(fn)} | _agreed(counts)


def of_updates(job: Job, paradigm: Paradigm) -> dict[str, dict[str, int | None]]:
    """Stage -> counters of one of its updates, with what the Trainer does from one update to the next.

    "bytes kept" is what an update leaves behind: the loss that it appends to the curve, and nothing else.

    job: gives the training images.
    paradigm: trained in place for a few updates of each stage.
    """
    found: dict[str, dict[str, int | None]] = {}
    update_once, windows = paradigm.update_once, Windows()

    def watched(batch: Batch, optimizer: torch.optim.Optimizer) -> Tensor:
        losses: list[Tensor] = []

        def update() -> None:
            losses.append(update_once(batch, optimizer))

        if paradigm.update < N_UPDATES - 1:
            update()
            windows.close()
            if paradigm.update >= FIRST:
                windows.open_next()
        else:
            flops = count_flops(update)
            counts = [count for index, count in enumerate(windows.counts) if index not in windows.UNCOUNTED]
            found[paradigm.stage.name] = {FLOPS: flops} | _agreed(counts)
            windows.counts = []
        return losses[0]

    paradigm.update_once = watched
    try:
        Fit(paradigm, job.x, job.label, [N_UPDATES] * len(paradigm.stages()))()
    finally:
        windows.close()
        del paradigm.update_once
    return found


class Windows:
    """The instruments of consecutive updates, each open from the end of one update to the end of the next.

    counts: what the closed ones have found, in order.
    """

    # The profiler sees no end of memory that was allocated before it first ran, such as the last gradient and loss.
    ORDER = (Operations, Operations, Memory, Memory, Memory, Memory)
    UNCOUNTED = (2, 3)

    def __init__(self) -> None:
        self.counts: list[dict] = []
        self.stack = ExitStack()
        self.running: AbstractContextManager | None = None

    def open_next(self) -> None:
        """Open the next instrument, if one is left."""
        if len(self.counts) < len(self.ORDER):
            self.running = self.ORDER[len(self.counts)]()
            self.stack.enter_context(self.running)

    def close(self) -> None:
        """Close the open instrument, if there is one."""
        self.stack.close()
        if self.running:
            self.counts.append(dict(self.running.found))
            self.running = None


def _agreed(counts: list[dict]) -> dict[str, int | None]:
    """Every quantity with the value that its measurements agree on, else None."""
    values: dict[str, set] = {}
    for count in counts:
        for name, value in count.items():
            values.setdefault(name, set()).add(value)
    return {name: found.pop() if len(found) == 1 else None for name, found in values.items()}
