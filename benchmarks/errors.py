"""What a user can put right: one line that names the place, the value given, what is allowed and the nearest match."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BadInput(Exception):
    """Bad input from outside (option, preset, file, folder); the message is one line and names the mend."""


def nearest(value: str, allowed: Iterable[str]) -> str:
    """What to add to a message: "; did you mean 'x'?" for the `allowed` value closest to `value`, or nothing."""
    near = difflib.get_close_matches(str(value), list(allowed), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
