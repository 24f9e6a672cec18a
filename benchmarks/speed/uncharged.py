"""Shares of an update's seconds by kind of operation: budgets charge matrix products and convolutions, nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from torch.profiler import ProfilerActivity, profile, record_function
from torch.utils.flop_counter import flop_registry

from benchmarks.flops import CPU_ATTENTION, OTHER_PRODUCTS

UPDATES = "updates"
CHARGED = {f"aten::{operation.__name__}" for operation in flop_registry | CPU_ATTENTION | OTHER_PRODUCTS}
KINDS = ("charged", "optimiser", "average", "training split", "norms", "elementwise", "no operation")


def shares(update: Callable[[], object], n_train: int, repeats: int = 5) -> dict[str, float]:
    """Shares of the seconds of `update()` on a CPU, by kind; they sum to 1.

    charged: operations whose FLOPs are counted, those of the optimiser included.
    optimiser: what else its step does.
    average: moving average of the weights.
    training split: elementwise work on tensors with a row or a column per training image: distances, kernels, softmax.
    norms: group and layer normalisation.
    elementwise: all other operations, such as activations and random numbers.
    no operation: Python and the dispatch of operations. The profiler makes this share larger than it is without it.

    update: one whole training update; called 2 + `repeats` times.
    n_train: number of training images, which is the size of no other dimension.
    """
    for _ in range(2):
        update()
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as found, record_function(UPDATES):
        for _ in range(repeats):
            update()
    spent: Counter[str] = Counter()
    (root,) = [event for event in found.events() if event.name == UPDATES]
    _add(root, n_train, None, spent)
    total = sum(spent.values())
    return {kind: spent[kind] / total for kind in KINDS}


def _add(event, n_train: int, within: str | None, spent: Counter) -> None:
    """Add the time of an event and of what it calls to its kind.

    A charged operation has the time of all its kernels.

    within: kind of the optimiser's step or the average that the event belongs to; None for neither.
    """
    if event.name in CHARGED:
        spent["charged"] += event.cpu_time_total
        return
    within = within or _part(event)
    spent[within or _kind(event, n_train)] += event.self_cpu_time_total
    for child in event.cpu_children:
        _add(child, n_train, within, spent)


def _part(event) -> str | None:
    if event.name.startswith("Optimizer.step"):
        return "optimiser"
    return "average" if event.name == "aten::_foreach_lerp_" else None


def _kind(event, n_train: int) -> str:
    if not event.name.startswith("aten::"):
        return "no operation"
    if any(n_train in shape for shape in event.input_shapes if isinstance(shape, list | tuple)):
        return "training split"
    return "norms" if "_norm" in event.name else "elementwise"
