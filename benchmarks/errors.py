"""Errors that the user can fix: one line that names the place, the value given, what is allowed and the fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BadInput(Exception):
    """Bad input from outside: an option, preset, file or folder. The message is one line and names the fix."""


def nearest(value: str, allowed: Iterable[str]) -> str:
    """End of an error message: "; did you mean 'x'?", or "" where no allowed value is similar.

    value: what was given.
    allowed: the values to compare it with.
    """
    near = difflib.get_close_matches(str(value), list(allowed), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
