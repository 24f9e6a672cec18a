"""Files as published: a present file is verified by its hash, an absent one downloaded, a damaged one refused."""

from __future__ import annotations

import hashlib
from pathlib import Path

from benchmarks.data import offline
from benchmarks.errors import BadInput

FIX = "delete it, and the next run downloads it"


def official_file(folder: Path, name: str, homes: tuple[str, ...], known_hash: str) -> Path:
    """Path of a published file, downloaded if it is absent.

    folder: folder of the data set's files.
    name: name of the file there and at its homes.
    homes: URLs to download from, up to the file's name; the first that works is used.
    known_hash: "sha256:..." or "md5:..." of the file.

    Raises BadInput where the file cannot be downloaded, cannot be read or has another hash.
    """
    path = folder / name
    if not path.exists():
        return _download(folder, name, homes, known_hash)
    algorithm, expected = known_hash.split(":")
    found = hashlib.new(algorithm, read_bytes(path)).hexdigest()
    if found != expected:
        raise BadInput(f"data file {path}: {algorithm} is {found}, published is {expected}; {FIX}")
    return path


def read_bytes(path: Path) -> bytes:
    """Content of a file. Raises BadInput where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"data file {path}: cannot be read ({error.strerror}); {FIX}") from None


def _download(folder: Path, name: str, homes: tuple[str, ...], known_hash: str) -> Path:
    if not offline.allowed.get():
        raise BadInput(
            f"data file {folder / name}: absent, and a dry run downloads nothing; name the folder that holds it with "
            "--data-dir, or run without --dry-run to download it"
        )
    import pooch

    reasons = []
    for home in homes:
        try:
            return Path(pooch.retrieve(home + name, known_hash, fname=name, path=folder))
        except (OSError, ValueError) as error:  # requests' errors are OSErrors; a wrong hash is a ValueError
            reasons.append(f"{home}: {type(error).__name__}")
    raise BadInput(
        f"data file {folder / name}: absent, and the download failed ({'; '.join(reasons)}); put the official file "
        "there, or name the folder that holds it with --data-dir or ALEXNET_MOMENT_DATA"
    )
