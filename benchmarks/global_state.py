"""State of the process that a paradigm's code must leave as it was: later numbers and the end of a cell rely on it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import torch

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class ChangedState(RuntimeError):
    """Code of a cell has changed global state; the message is one line that names what, from what and to what."""


@contextmanager
def unchanged() -> Iterator[None]:
    """Inside, a paradigm's code runs; at the end the process is as before.

    Raises ChangedState, after it has restored all that has changed, where anything has. An exception from inside that
    may be a consequence is named in its message.
    """
    before, said = _state(), ""
    try:
        yield
    except Exception as error:
        if not _changes(before):
            raise
        said = f"; then: {type(error).__name__}: {error}"
    changes = _changes(before)
    _restore(before)
    if changes:
        raise ChangedState(f"the paradigm's code changed {', '.join(changes)}{said}")


def _state() -> dict[str, object]:
    return {
        "the default dtype": torch.get_default_dtype(),
        "whether gradients are recorded": torch.is_grad_enabled(),
        "whether algorithms are deterministic": torch.are_deterministic_algorithms_enabled(),
        "the number of threads": torch.get_num_threads(),
        "the working directory": _directory(),
        **{f"the handler of {number.name}": signal.getsignal(number) for number in SIGNALS},
    }


def _changes(before: dict[str, object]) -> list[str]:
    after = _state()
    return [f"{name} from {value} to {after[name]}" for name, value in before.items() if after[name] != value]


def _restore(before: dict[str, object]) -> None:
    torch.set_default_dtype(before["the default dtype"])
    torch.set_grad_enabled(before["whether gradients are recorded"])
    torch.use_deterministic_algorithms(before["whether algorithms are deterministic"])
    torch.set_num_threads(before["the number of threads"])
    if before["the working directory"] != _directory():
        os.chdir(before["the working directory"])
    for number in SIGNALS:
        if signal.getsignal(number) != (handler := before[f"the handler of {number.name}"]):
            signal.signal(number, handler)


def _directory() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        return "a deleted folder"
