"""Records the forward calls of given modules: their inputs, their times, and the gradients at their outputs.

An evaluation is one forward call of a module. Its times are the floating-point arguments after the state, with one
value per row: (t, r) for a link `net(x_t, t, r)`, none for a layer or a Gibbs sweep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

N_TIMES = 2


@dataclass
class Call:
    """One forward call of a module.

    name: of the module. rows: batch size.
    x: input (rows, ...), detached; None inside a transform of torch.func.
    times: (rows, 0 to 2), float64.
    source, node: autograd nodes of the input and of the output.
    gradient: of the loss with respect to the output, summed over all backward passes; None if none arrived.
    flops: executed in the call, where a meter was given.
    """

    name: str
    rows: int
    x: Tensor | None
    times: Tensor
    source: object = None
    node: object = None
    gradient: Tensor | None = None
    flops: int = 0

    @property
    def differentiated(self) -> bool:
        """Whether a gradient that is not zero reached the output."""
        return self.gradient is not None and bool(self.gradient.any())


class Calls(list[Call]):
    """Calls in order. open: meter readings at the start of the calls that have begun and not yet ended."""

    def __init__(self):
        super().__init__()
        self.open: list[int] = []


@contextmanager
def record(
    modules: Mapping[str, nn.Module],
    alter: Callable[[int, Tensor], Tensor] = lambda index, output: output,
    meter: Callable[[], int] = lambda: 0,
) -> Iterator[Calls]:
    """Record the calls of `modules` (name -> module) inside the context, in order.

    alter: function of the index of a call and its output, which returns the output to be used instead.
    meter: returns the FLOPs executed so far.
    """
    calls, handles = Calls(), []
    for name, module in modules.items():
        handles.append(module.register_forward_pre_hook(lambda *_: calls.open.append(meter())))

        def after(_, args: tuple, kwargs: dict, output: object, name: str = name) -> object:
            began, tensors = calls.open.pop(), [a for a in (*args, *kwargs.values()) if isinstance(a, Tensor)]
            if not tensors:  # dual values of forward-mode differentiation, which no gradient reaches
                return None
            call = _call(name, tensors)
            call.flops = meter() - began
            calls.append(call)
            if not isinstance(output, Tensor):
                _watch(call, next(leaf for leaf in tree_leaves(output) if isinstance(leaf, Tensor)))
                return None
            output = alter(len(calls) - 1, output)
            _watch(call, output)
            return output

        handles.append(module.register_forward_hook(after, with_kwargs=True))
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _call(name: str, tensors: list[Tensor]) -> Call:
    x, *rest = tensors
    times = [a for a in rest if a.is_floating_point() and a.dim() <= 1 and a.numel() in (1, len(x))][:N_TIMES]
    wrapped = any(torch._C._functorch.is_functorch_wrapped_tensor(a) for a in tensors)
    stacked = [torch.as_tensor(a).detach().reshape(-1).expand(len(x)) for a in ([] if wrapped else times)]
    table = torch.stack(stacked, dim=1) if stacked else torch.empty(len(x), 0)
    return Call(name, len(x), None if wrapped else x.detach().clone(), table.double().cpu(), source=x.grad_fn)


def _watch(call: Call, output: Tensor) -> None:
    """Store the gradient that arrives at the output of a call."""
    if not output.requires_grad or torch._C._functorch.is_functorch_wrapped_tensor(output):
        return
    call.node = output.grad_fn

    def arrived(gradient: Tensor) -> None:
        gradient = gradient.detach()
        call.gradient = gradient.clone() if call.gradient is None else call.gradient + gradient

    output.register_hook(arrived)


def longest_chain(calls: list[Call]) -> int:
    """Largest number of differentiated calls on one path of the autograd graph; 0 without any."""
    calls = [call for call in calls if call.differentiated]
    made = {call.node: index for index, call in enumerate(calls)}
    lengths: list[int] = []
    for call in calls:
        lengths.append(1 + max((lengths[index] for index in _feeding(call.source, made)), default=0))
    return max(lengths, default=0)


def _feeding(source: object, made: dict[object, int]) -> set[int]:
    """Indices of the calls whose outputs `source` is computed from: the nearest one on each path."""
    found, seen, waiting = set(), set(), [source]
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node in made:
            found.add(made[node])
        else:
            waiting += [parent for parent, _ in node.next_functions]
    return found
