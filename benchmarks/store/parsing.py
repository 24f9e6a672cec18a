"""From the bytes of a record or an archive to values, with limits: a file may be damaged, or made to harm."""

from __future__ import annotations

import json
import lzma
import os
from pathlib import Path

MAX_BYTES = 1 << 30  # of a file, packed or not; the largest committed archive holds 23 MB
MAX_MEMORY = 1 << 28  # of the decompressor, which a file's header asks for


def content(path: Path) -> bytes:
    """All bytes of a file. Raises OSError where it cannot be read, ValueError where it is no file or too large."""
    if path.exists() and not path.is_file():
        raise ValueError("is no file")  # to read a named pipe would wait for ever
    with path.open("rb") as file:
        found = file.read(min(os.fstat(file.fileno()).st_size, MAX_BYTES) + 1)  # memory for all of it is taken at once
    if len(found) > MAX_BYTES:
        raise ValueError(f"holds more than {MAX_BYTES} bytes")
    return found


def value(text: bytes) -> object:
    """The value that UTF-8 JSON stands for.

    Raises ValueError where it is not JSON, nested too deeply, or holds half of a character.
    """
    try:
        found = json.loads(text.decode("utf-8"))
        json.dumps(found, ensure_ascii=False).encode()  # fails at a lone surrogate
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("holds half of a character (a lone surrogate)") from None
    return found


def unpacked(packed: bytes) -> bytes:
    """What an .xz archive holds. Raises ValueError where it is damaged, truncated or too large."""
    opened = lzma.LZMADecompressor(lzma.FORMAT_XZ, MAX_MEMORY)
    try:
        found = opened.decompress(packed, MAX_BYTES)
    except lzma.LZMAError as error:
        raise ValueError(str(error)) from None
    if not opened.eof:
        raise ValueError(f"truncated, or holds more than {MAX_BYTES} bytes")
    return found
