"""The language of figures and talks: English in the code, and one TOML table per further language beside this file.

A table has English texts as keys, as in gettext, so a text without a translation stays English:

    [texts]   text as the code has it, with its {fields} -> translation
    [names]   part of a display name between commas, with # for numbers -> translation
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent
ENGLISH = "en"
NUMBER = re.compile(r"\d+(?:/\d+)*")
spoken: ContextVar[str] = ContextVar("spoken", default=ENGLISH)


def known() -> list[str]:
    """Every language: English and those with a table."""
    return [ENGLISH, *sorted(path.stem for path in FOLDER.glob("*.toml"))]


def language() -> str:
    """The language spoken."""
    return spoken.get()


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Within it, texts and names are in `language`, one of `known()`."""
    before = spoken.set(language)
    try:
        yield
    finally:
        spoken.reset(before)


def say(text: str, **values: object) -> str:
    """The text in the language spoken, with its fields filled in."""
    return _table(spoken.get())["texts"].get(text, text).format(**values)


def name(display_name: str) -> str:
    """A display name in the language spoken, part by part; a part without a translation stays."""
    names = _table(spoken.get())["names"]
    return names.get(", ", ", ").join(_part(part, names) for part in display_name.split(", "))


def _part(part: str, names: dict[str, str]) -> str:
    numbers = iter(NUMBER.findall(part))
    found = names.get(NUMBER.sub("#", part))
    return part if found is None else re.sub("#", lambda _: next(numbers), found)


@cache
def _table(language: str) -> dict[str, dict[str, str]]:
    if language == ENGLISH:
        return {"texts": {}, "names": {}}
    return tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8"))
