"""Errors that the user can fix: one line that names the place, the value given, what is allowed and the fix."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable


class BadInput(Exception):
    """Bad input from outside: an option, preset, file or folder. The message is one line and names the fix."""


SHORT = reprlib.Repr()
SHORT.maxdict, SHORT.maxlist, SHORT.maxstring, SHORT.maxother, SHORT.maxlong = 4, 6, 80, 80, 40


def short(value: object) -> str:
    """A value as an error message shows it: its `repr`, in at most some 200 characters."""
    return one_line(SHORT.repr(value), 200)


def one_line(said: object, longest: int = 300) -> str:
    """Text in one line of bounded length, without what a terminal would obey.

    said: a text, or an error whose text is meant; it may come from a plug-in or a damaged file.
    longest: number of characters, the mark of what is left out included.
    """
    text = str(said)[: 4 * longest]  # a line of megabytes takes seconds to clean
    text = "".join(character if character.isprintable() else " " for character in text)
    text = " ".join(text.split())
    return text if len(text) <= longest else f"{text[: longest - 3]}..."


def nearest(value: str, allowed: Iterable[str]) -> str:
    """End of an error message: "; did you mean 'x'?", or "" where no allowed value is similar.

    value: what was given.
    allowed: the values to compare it with.
    """
    near = difflib.get_close_matches(str(value)[:100], list(allowed), 1)
    return f"; did you mean {near[0]!r}?" if near else ""
