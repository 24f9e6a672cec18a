"""Function evaluations, counted where they happen: by a hook on the inference link, never declared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass
class Evaluations:
    """rows: batch rows that went through the module; divided by the samples drawn it is the NFE of one sample."""

    rows: int = 0
    counting: bool = True


@contextmanager
def count_evaluations(module: nn.Module) -> Iterator[Evaluations]:
    """Count the rows of every forward call of `module` inside the context: a doubled batch counts double.

    Rows are the leading dimension of the first tensor argument. A deep copy taken inside counts too, until the end.
    """
    counter = Evaluations()

    def hook(_, args: tuple, kwargs: dict, output: object) -> None:
        # A deep copy takes the hook along, and nobody removes it there.
        if counter.counting:
            counter.rows += next(len(a) for a in (*args, *kwargs.values()) if isinstance(a, Tensor) and a.dim())

    handle = module.register_forward_hook(hook, with_kwargs=True)
    try:
        yield counter
    finally:
        handle.remove()
        counter.counting = False
