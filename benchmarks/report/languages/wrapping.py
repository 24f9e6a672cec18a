"""Lines of text of a given width, in languages with and without spaces between words."""

from __future__ import annotations

import re
import unicodedata

TOKEN = re.compile(r"[^ \n]+[ \n]*")
UNIT = re.compile(r"(?<=\d) (?=%|NFE|±)|(?<=±) ")  # a number stays on the line of its unit and of its interval
NO_START = "，。；：、）？！%”》"  # noqa: RUF001 (no line begins with these)


def width(text: str) -> int:
    """Width in units of a Latin letter; a Chinese character is two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def bound(text: str) -> str:
    """The text with every number bound to its unit, so that no line ends between them."""
    return UNIT.sub("\u00a0", text)


def wrap(text: str, most: int) -> list[str]:
    """Lines of width `most` at the most, broken at spaces and between Chinese characters, and nowhere else."""
    lines = [""]
    for piece in _pieces(bound(text)):
        if lines[-1] and width(lines[-1]) + width(piece.rstrip()) > most:
            lines[-1] = lines[-1].rstrip()
            lines.append("")
        lines[-1] += piece
    return [*lines[:-1], lines[-1].rstrip()]


def balanced(text: str, most: int) -> list[str]:
    """The lines of `wrap`, as many and as equally long as possible, so that no letter or word is alone on the last."""
    lines = wrap(text, most)
    return next(found for narrower in range(1, most + 1) if len(found := wrap(text, narrower)) == len(lines))


def _pieces(text: str) -> list[str]:
    """The text in parts between which a line may end."""
    pieces: list[str] = []
    for token in TOKEN.findall(text):
        part = ""
        for letter in token:
            wide = unicodedata.east_asian_width(letter) in "WF"
            between = part and (wide or unicodedata.east_asian_width(part[-1]) in "WF")
            if between and letter not in NO_START and not part[-1].isdigit() and not letter.isspace():
                pieces.append(part)
                part = letter
            else:
                part += letter
        pieces.append(part)
    return pieces
