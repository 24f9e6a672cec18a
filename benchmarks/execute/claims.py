"""Makes the results folder of a run, checks that it can be written, and locks it, before any cell starts."""

from __future__ import annotations

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import BadInput

# Workers of a killed run hold its lock until they notice, which takes a busy one seconds.
LOCK_WAIT_SECONDS = 10.0
TRIAL_BYTES = 1 << 20
NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


@contextmanager
def claimed(results_dir: Path) -> Iterator[int]:
    """Hold the lock of a results folder; yields the file descriptor of the lock.

    results_dir: the folder; it is made if absent, and a file is written to it as a check.

    A worker inherits the descriptor and with it the lock, so two runs never write the same cell, even where a worker
    outlives its run.

    Raises BadInput where the folder is a file, read-only, full or in use by another run, at the start or inside the
    context.
    """
    try:
        results_dir.mkdir(parents=True, exist_ok=True)
        _try_writing(results_dir / f".trial.{os.getpid()}")
        lock = os.open(results_dir / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise BadInput(_one_line(results_dir, error)) from error
    try:
        _lock(lock, results_dir)
        os.truncate(lock, 0)
        os.write(lock, str(os.getpid()).encode())
        yield lock
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        raise BadInput(_one_line(results_dir, error)) from error
    finally:
        os.close(lock)


def _try_writing(path: Path) -> None:
    try:
        with path.open("wb") as file:
            file.write(bytes(TRIAL_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)


def _lock(lock: int, results_dir: Path) -> None:
    deadline = time.monotonic() + LOCK_WAIT_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                owner = os.pread(lock, 20, 0).decode() or "?"
                raise BadInput(
                    f"results folder {results_dir}: in use by another run (process {owner}); "
                    "wait for it, or give another folder with --results"
                ) from None
            time.sleep(0.1)


def _one_line(results_dir: Path, error: OSError) -> str:
    at = f" ({error.filename})" if error.filename else ""
    return f"results folder {results_dir}: {error.strerror or error}{at}; give a writable folder with --results"
