"""The store of results is a directory: one JSON file a cell, replaced atomically, and the listing is the index."""

from __future__ import annotations

import json
import lzma
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import paradigms
from benchmarks.plan.cell import Cell

SCHEMA = 2
READABLE = (1, 2)  # 1: before a cell had a key for training and one for scoring
ARCHIVE = "cells.jsonl.xz"
STATUSES = ("done", "failed", "timeout", "oom", "non_finite", "interrupted")
FACTS = ("title", "era", "reference", "task")


class DamagedRecord(ValueError):
    """A record that cannot be read; the message is one line that names the file and what is wrong."""


def opening(cell: Cell, status: str, reason: str | None = None) -> dict:
    """What every record of a cell starts with, however the cell ended: identity, outcome, settings, class facts."""
    facts = paradigms.facts(cell.paradigm)
    described = cell.model_dump() | {fact: facts.get(fact) for fact in FACTS}
    described["title"] = cell.title or facts.get("title")
    keys = {"key": cell.key, "train_key": cell.train_key}
    heading = {"schema": SCHEMA, "kind": cell.kind, **keys, "status": status, "reason": reason}
    return heading | {"cell": described}


def write(path: Path, record: dict) -> None:
    """Write `record` so that a reader, or a kill at any moment, finds the old file or the new one, whole.

    Numbers that are NaN or infinite become null: JSON has no name for them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _replace(path, (json.dumps(finite(record), indent=1, allow_nan=False) + "\n").encode())


def _replace(path: Path, content: bytes) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def read(path: Path) -> dict:
    """The record in `path`. Raises DamagedRecord where it is not a whole record of this schema."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedRecord(f"{path}: {' '.join(str(error).split())}") from None
    return _checked(record, path)


def _checked(record: object, path: Path) -> dict:
    if not isinstance(record, dict) or record.get("schema") not in READABLE:
        raise DamagedRecord(f"{path}: not a record of schema {' or '.join(map(str, READABLE))}")
    missing = [key for key in ("kind", "key", "status", "cell") if key not in record]
    if missing or record["status"] not in STATUSES:
        raise DamagedRecord(f"{path}: " + (f"lacks {missing[0]!r}" if missing else f"status {record['status']!r}"))
    return record


def in_folder(results_dir: Path) -> Iterator[tuple[str, dict | DamagedRecord]]:
    """(name of its file, record) of every record of a results folder, sorted by name.

    They are in `cells/`, and for large committed studies in `cells.jsonl.xz`. A file in `cells/` comes before
    one of its name in the archive. In place of a record that cannot be read stands the error that says why.
    """
    found = _unpacked(results_dir / ARCHIVE)
    for path in (results_dir / "cells").glob("*.json"):
        try:
            found[path.name] = read(path)
        except DamagedRecord as error:
            found[path.name] = error
    yield from sorted(found.items())


def pack(results_dir: Path) -> int:
    """Move the records of `cells/` into the archive, which reads like the folder; returns how many it then holds."""
    kept = [(name, record) for name, record in in_folder(results_dir) if isinstance(record, dict)]
    lines = (json.dumps([name, record], separators=(",", ":")) + "\n" for name, record in kept)
    _replace(results_dir / ARCHIVE, lzma.compress("".join(lines).encode()))
    for name, _ in kept:
        (results_dir / "cells" / name).unlink(missing_ok=True)
    return len(kept)


def _unpacked(archive: Path) -> dict[str, dict | DamagedRecord]:
    if not archive.is_file():
        return {}
    try:
        lines = [json.loads(line) for line in lzma.decompress(archive.read_bytes()).splitlines()]
        return {name: _checked(record, archive.with_name(name)) for name, record in lines}
    except (OSError, EOFError, lzma.LZMAError, ValueError, TypeError) as error:
        return {archive.name: DamagedRecord(f"{archive}: {' '.join(str(error).split())}")}


def path_of(results_dir: Path, cell: Cell) -> Path:
    """Where the record of a cell is."""
    return results_dir / "cells" / f"{cell.stem}.json"


def done(results_dir: Path, cell: Cell) -> bool:
    """Whether the cell's record says done and is about this very configuration, data and code."""
    try:
        record = read(path_of(results_dir, cell))
    except DamagedRecord:
        return False
    return record["status"] == "done" and record["key"] == cell.key


def arrange(results_dir: Path, cells: Iterable[Cell]) -> list[str]:
    """Make the store hold no record that contradicts the asked cells; returns a line for each damaged one.

    Damaged records go to `damaged/`. Records of an asked cell under another key (made with other options, data or code)
    go to `stale/`, and one made earlier under the asked key comes back from there.
    """
    lines = []
    for left in (results_dir / "cells").glob(".*.tmp"):
        left.unlink()  # of a writer that was killed; nobody writes while the folder is claimed
    for path in sorted((results_dir / "cells").glob("*.json")):
        try:
            read(path)
        except DamagedRecord as error:
            _move(path, results_dir / "damaged")
            lines.append(f"damaged record set aside, its cell runs again: {error}")
    for cell in cells:
        for path in (results_dir / "cells").glob(f"{cell.place}.*.json"):
            if path.stem != cell.stem:
                _move(path, results_dir / "stale")
        kept = results_dir / "stale" / f"{cell.stem}.json"
        if kept.is_file() and not path_of(results_dir, cell).exists():
            _move(kept, results_dir / "cells")
    return lines


def _move(path: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    os.replace(path, folder / path.name)


def finite(value: object) -> object:
    """The same value with every NaN and infinity in it replaced by None, tuples by lists."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value
