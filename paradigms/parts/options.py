"""Options of a paradigm that are not what they may be: one line that says which, what was given and what is allowed."""

from __future__ import annotations

from collections.abc import Sequence


def one_of(allowed: dict[str, Sequence[str]], **options: str) -> None:
    """Raises ValueError for the first of `options` that is not among the words `allowed` for its name."""
    for name, value in options.items():
        if value not in allowed[name]:
            raise ValueError(f"{name} = {value!r}; allowed: {', '.join(allowed[name])}")


def positive(**options: int | Sequence[int]) -> None:
    """Raises ValueError for the first of `options` that is, or holds, a number below 1, or holds none."""
    for name, value in options.items():
        if min(value if isinstance(value, Sequence) else [value], default=0) < 1:
            raise ValueError(f"{name} = {value}; allowed: 1 or more")


def fractions(**options: float) -> None:
    """Raises ValueError for the first of `options` outside [0, 1)."""
    for name, value in options.items():
        if not 0 <= value < 1:
            raise ValueError(f"{name} = {value}; allowed: 0 to 1, 1 excluded")


def numbers(lengths: dict[str, int], **options: Sequence[float]) -> None:
    """Raises ValueError for the first of `options` that has not as many numbers as `lengths` says, all at least 0."""
    for name, value in options.items():
        if len(value) != lengths[name] or min(value) < 0:
            raise ValueError(f"{name} = {list(value)}; allowed: {lengths[name]} numbers, none below 0")
