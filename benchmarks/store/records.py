"""The store of results is a directory: one JSON file a cell, replaced atomically, and the listing is the index."""

from __future__ import annotations

import errno
import json
import lzma
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import paradigms
from benchmarks.errors import one_line
from benchmarks.plan.cell import Cell
from benchmarks.store import atomic, checksum, parsing, schema

SCHEMA = 2
ARCHIVE = "cells.jsonl.xz"
REASON = 500  # characters of a record's reason, which may be the text of a plug-in's error
STALE_READS = 5
STATUSES = ("done", "failed", "timeout", "oom", "non_finite", "interrupted")


class DamagedRecord(ValueError):
    """A record that cannot be used; the message is one line that names the file and what is wrong."""


class CopiedRecord(DamagedRecord):
    """A whole record in a file that is not its own, such as a backup; the message is one line."""


def opening(cell: Cell, status: str, reason: str | None = None) -> dict:
    """The fields that every record of a cell has, however the cell ended: keys, status, settings, class facts."""
    facts = paradigms.facts(cell.paradigm)
    described = cell.model_dump() | {fact: facts.get(fact) for fact in paradigms.FACTS}
    described["title"] = cell.title or facts.get("title")
    keys = {"key": cell.key, "train_key": cell.train_key}
    reason = reason and one_line(reason, REASON)
    heading = {"schema": SCHEMA, "kind": cell.kind, **keys, "status": status, "reason": reason}
    return heading | {"cell": described}


def readable(cell: Cell, record: dict) -> dict:
    """The cell's record with its reason in one short line, if `read` will take it; else one that failed and says at
    which place it does not fit.

    A scored quantity of the wrong type, such as one that a plug-in adds, would otherwise be found by the next reader.
    """
    if isinstance(record.get("reason"), str):
        record = record | {"reason": one_line(record["reason"], REASON)}
    try:
        parsing.value(json.dumps(finite(record)).encode())
        wrong = schema.problem(finite(record))
    except (TypeError, ValueError, RecursionError) as error:
        wrong = one_line(error)
    if wrong is None:
        return record
    kept = {part: record.get(part) for part in ("wall_seconds", "provenance")}
    return opening(cell, "failed", f"its record does not fit the schema: {wrong}") | kept


def write(path: Path, record: dict) -> None:
    """Write `record` atomically, as `store.atomic` does, with its checksum.

    Numbers that are NaN or infinite become null: JSON has no name for them.
    """
    atomic.write(path, (json.dumps(checksum.seal(finite(record)), indent=1) + "\n").encode())


def read(path: Path) -> dict:
    """The record in `path`, without its checksum.

    Raises DamagedRecord where it is not a whole record, not as `schema` describes it, or was changed since it was
    written.
    """
    try:
        record = parsing.value(_content(path))
    except (OSError, ValueError) as error:
        raise DamagedRecord(f"{path}: {one_line(error)}") from None
    return _checked(record, str(path))


def _content(path: Path) -> bytes:
    for _ in range(STALE_READS):
        try:
            return parsing.content(path)
        except OSError as error:
            if error.errno != errno.ESTALE:  # of a network file system: the file was replaced while it was read
                raise
    return parsing.content(path)


def _checked(record: object, where: str) -> dict:
    if wrong := schema.problem(record):
        raise DamagedRecord(f"{where}: {wrong}")
    try:
        changed = checksum.broken(record)
    except ValueError as error:
        raise DamagedRecord(f"{where}: {one_line(error)}") from None
    if changed:
        raise DamagedRecord(f"{where}: changed since it was written (its checksum differs)")
    return {name: value for name, value in record.items() if name != checksum.FIELD}


def in_folder(results_dir: Path) -> Iterator[tuple[str, dict | DamagedRecord]]:
    """(name of its file, record) of every record of a results folder, sorted by name.

    They are in `cells/`, and for large committed studies in `cells.jsonl.xz`. A file in `cells/` comes before one of
    its name in the archive. In place of a record that cannot be used stands the error that says why; a copy of a
    record, such as a file synchroniser leaves, is one of these, since it would count as a further seed.
    """
    found = _unpacked(results_dir / ARCHIVE)
    for path in (results_dir / "cells").glob("*.json"):
        try:
            found[path.name] = read(path)
        except DamagedRecord as error:
            if path.is_file():  # else another run has just set it aside
                found[path.name] = error
    first: dict[tuple, str] = {}
    for name in sorted(found, key=lambda name: (len(name), name)):  # a copy has a longer name
        if isinstance(record := found[name], dict) and (wrong := _copied(name, record, first)):
            found[name] = CopiedRecord(f"{results_dir / 'cells' / name}: {wrong}")
    yield from sorted(found.items())


def _copied(name: str, record: dict, first: dict[tuple, str]) -> str | None:
    """Why the file of a record is not its own; None, and the file is kept in `first`, where it is."""
    end = f".{record['key'][:8]}.json"
    if not name.endswith(end):
        return f"a copy: the name of this record's file ends in {end}"
    # Variants with equal settings have one key, and each its record.
    owner = record["key"], *(record["cell"].get(part) for part in ("variant", "dataset", "repetition", "trial"))
    original = first.setdefault(owner, name)
    return None if original == name else f"a copy of {original}: a record counts once"


def pack(results_dir: Path) -> int:
    """Move the records of `cells/` into the archive, which reads like the folder; returns how many it then holds."""
    kept = [(name, record) for name, record in in_folder(results_dir) if isinstance(record, dict)]
    lines = (json.dumps([name, checksum.seal(record)], separators=(",", ":")) + "\n" for name, record in kept)
    atomic.write(results_dir / ARCHIVE, lzma.compress("".join(lines).encode()))
    for name, _ in kept:
        (results_dir / "cells" / name).unlink(missing_ok=True)
    return len(kept)


def _unpacked(archive: Path) -> dict[str, dict | DamagedRecord]:
    if not archive.is_file():
        return {}
    try:
        lines = [parsing.value(line) for line in parsing.unpacked(parsing.content(archive)).splitlines()]
        found = {_file_name(name): record for name, record in lines}
    except (OSError, ValueError, TypeError) as error:
        return {archive.name: DamagedRecord(f"{archive}: {one_line(error)}")}
    for name, record in found.items():
        try:
            found[name] = _checked(record, f"{archive}: {name}")
        except DamagedRecord as error:
            found[name] = error
    return found


def _file_name(name: object) -> str:
    """The name of a record's file in an archive. Raises ValueError where it is a path, or no name at all."""
    if not isinstance(name, str) or not name or Path(name).name != name:
        raise ValueError(f"{one_line(repr(name))} is no name of a file")
    return name


def path_of(results_dir: Path, cell: Cell) -> Path:
    """Path of the record of a cell, whether there is one or not."""
    return results_dir / "cells" / f"{cell.stem}.json"


def done(results_dir: Path, cell: Cell) -> bool:
    """Whether there is a record of status done under the cell's key, so of its settings, data and code."""
    try:
        record = read(path_of(results_dir, cell))
    except DamagedRecord:
        return False
    return record["status"] == "done" and record["key"] == cell.key


def arrange(results_dir: Path, cells: Iterable[Cell]) -> list[str]:
    """Make the store hold no record that contradicts the requested cells; returns a line for each one set aside.

    Damaged records and copies go to `damaged/`. Records of a requested cell under another key (made with other options,
    data or code) go to `stale/`, and one made earlier under the requested key comes back from there.
    """
    lines = []
    for name, record in in_folder(results_dir):
        path = results_dir / "cells" / name
        if isinstance(record, DamagedRecord) and path.is_file():
            _move(path, results_dir / "damaged")
            whole = isinstance(record, CopiedRecord)
            lines.append(f"record set aside in damaged/{'' if whole else ', its cell runs again'}: {record}")
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
    with suppress(FileNotFoundError):  # another run has moved it
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
