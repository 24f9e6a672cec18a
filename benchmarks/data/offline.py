"""Switches downloads off, for commands that only look."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

allowed: ContextVar[bool] = ContextVar("whether absent files of data sets may be downloaded", default=True)


@contextmanager
def offline() -> Iterator[None]:
    """Inside, an absent file of a data set is an error and not downloaded."""
    token = allowed.set(False)
    try:
        yield
    finally:
        allowed.reset(token)
