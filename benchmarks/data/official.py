"""Official files: what is present is verified, what is absent is downloaded, what is damaged is named."""

from __future__ import annotations

import hashlib
from pathlib import Path

from benchmarks.errors import BadInput

MEND = "delete it, and the next run downloads it"


def official_file(folder: Path, name: str, homes: tuple[str, ...], known_hash: str) -> Path:
    """The file `name` in `folder`, with `known_hash` ("sha256:..." or "md5:..."), downloaded from the first of `homes`
    that has it if it is absent. Raises BadInput if it cannot be had, read or verified."""
    path = folder / name
    if not path.exists():
        return _download(folder, name, homes, known_hash)
    algorithm, expected = known_hash.split(":")
    found = hashlib.new(algorithm, read_bytes(path)).hexdigest()
    if found != expected:
        raise BadInput(f"data file {path}: {algorithm} is {found}, published is {expected}; {MEND}")
    return path


def read_bytes(path: Path) -> bytes:
    """The file's bytes. Raises BadInput if it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput(f"data file {path}: cannot be read ({error.strerror}); {MEND}") from None


def _download(folder: Path, name: str, homes: tuple[str, ...], known_hash: str) -> Path:
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
