"""A table or figure that fails is named, and all others are still written."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def attempt(what: str, failures: list[str], otherwise: Any, call: Callable, *arguments: Any) -> Any:
    """`call(*arguments)`; `otherwise` where it fails, and then `failures` gets a line that says what failed and why.

    A file that cannot be written (OSError) is no fault of one table and is raised.
    """
    try:
        return call(*arguments)
    except OSError:
        raise
    except Exception as error:
        text = " ".join(str(error).split())
        failures.append(f"{what} ({type(error).__name__}{f': {text}' if text else ''})")
        return otherwise
