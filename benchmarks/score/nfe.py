"""Counts function evaluations (NFE) with a hook on the inference link; a paradigm never declares them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass
class Evaluations:
    """A running count.

    rows: batch rows that entered the module; divided by the number of samples, it is the NFE per sample.
    counting: False once the context of `count_evaluations` has ended.
    """

    rows: int = 0
    counting: bool = True


@contextmanager
def count_evaluations(module: nn.Module) -> Iterator[Evaluations]:
    """Count the batch rows of every forward call of `module` inside the context; a doubled batch counts double.

    Rows are the leading dimension of the first tensor argument. Calls of a deep copy that is taken inside the context
    count too, until the context ends.
    """
    counter = Evaluations()

    def hook(_, args: tuple, kwargs: dict, output: object) -> None:
        # A deep copy keeps the hook, and the handle below does not remove it from the copy.
        if counter.counting:
            counter.rows += next(len(a) for a in (*args, *kwargs.values()) if isinstance(a, Tensor) and a.dim())

    handle = module.register_forward_hook(hook, with_kwargs=True)
    try:
        yield counter
    finally:
        handle.remove()
        counter.counting = False
