"""Checks of a paradigm's options; the error is one line that names the option, the value given and those allowed."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence

LARGEST_BATCH = 2**62


def one_of(allowed: dict[str, Sequence[str]], **options: str) -> None:
    """Raises ValueError for the first of `options` whose value is not in `allowed`, by the name of the option."""
    for name, value in options.items():
        if value not in allowed[name]:
            raise ValueError(f"{name} = {value!r}; allowed: {', '.join(allowed[name])}")


def positive(**options: int | Sequence[int]) -> None:
    """Raises ValueError for the first of `options` that is, or contains, a number below 1, or is empty."""
    for name, value in options.items():
        if min(value if isinstance(value, Sequence) else [value], default=0) < 1:
            raise ValueError(f"{name} = {value}; allowed: 1 or more")


def not_negative(**options: float) -> None:
    """Raises ValueError for the first of `options` that is below 0."""
    for name, value in options.items():
        if not value >= 0:
            raise ValueError(f"{name} = {value}; allowed: 0 or more")


def fractions(**options: float) -> None:
    """Raises ValueError for the first of `options` outside [0, 1)."""
    for name, value in options.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} = {value}; allowed: 0 to 1, 1 excluded")


def numbers(lengths: dict[str, int], **options: Sequence[float]) -> None:
    """Raises ValueError for the first of `options` that is not a list of `lengths[name]` numbers, all at least 0."""
    for name, value in options.items():
        if len(value) != lengths[name] or min(value) < 0:
            raise ValueError(f"{name} = {list(value)}; allowed: {lengths[name]} numbers, none below 0")


def with_images_for(parts: Callable[[int], Sequence[int]], batch_size: int, **shares: float) -> None:
    """Raises ValueError where a batch is too small for every part of the loss to have an image of it.

    parts: batch size -> number of images of each part that is not switched off; none falls with the batch size.
    batch_size: images per update.
    shares: the options that divide a batch into these parts.
    """
    if batch_size >= 1 and min(parts(batch_size)) >= 1:
        return
    least = bisect_left(range(LARGEST_BATCH), True, lo=1, key=lambda n: min(parts(n)) >= 1)
    given = ", ".join(f"{name} = {value}" for name, value in shares.items())
    why = f"; with fewer, {given} rounds to a part without images" if least > 1 else ""
    raise ValueError(f"batch_size = {batch_size}; allowed: {least} or more{why}")


def requestable(label: object, conditional: bool) -> None:
    """Raises ValueError where classes are given (not None) to a model that is not conditioned on the class."""
    if label is not None and not conditional:
        raise ValueError("label = classes; allowed: None, since the model is not conditioned on the class")
