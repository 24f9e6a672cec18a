"""Checks of a paradigm's options; the error is one line that names the option, the value given and those allowed."""

from __future__ import annotations

from collections.abc import Sequence


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
