"""Writes files so that a reader, a kill or a power cut at any moment finds the old file or the new one, whole."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmarks.store import writer

SUFFIX = ".tmp"
ABANDONED = 600.0  # seconds after which a temporary file of another machine has no writer any more


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields the path of a fresh file beside `path`, which takes its place at the end, after it has reached the disk.

    path: the file; missing folders are made. A symbolic link there is replaced and not followed.

    Raises OSError where it cannot be written; then, as after any other exception inside, `path` stays as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{writer.name()}{SUFFIX}")
    try:
        fresh.unlink(missing_ok=True)  # of an earlier process of this number, or a link
        yield fresh
        with fresh.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def write(path: Path, content: bytes) -> None:
    """Write a whole file as `replacing` does.

    path: the file.
    content: all of it.
    """
    with replacing(path) as fresh:
        fresh.write_bytes(content)


def sweep(folder: Path) -> None:
    """Remove the temporary files that writers left which were killed.

    folder: with its subfolders. A file goes if its writer has ended or, where that cannot be known, if it is old.
    """
    for path in folder.rglob(f".*{SUFFIX}"):
        with suppress(OSError):
            ended = writer.ended(path.name.removesuffix(SUFFIX).rpartition(".")[2])
            if ended or time.time() - path.lstat().st_mtime > ABANDONED:
                path.unlink()
