"""Makes the results folder of a run and checks that it can be written, before any cell starts."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.store.inside import refuse_links

TRIAL_BYTES = 1 << 20
# No room, not writable, or removed while the run works in it.
OF_THE_FOLDER = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO)
OF_THE_SYSTEM = (errno.EMFILE, errno.ENFILE, errno.EAGAIN, errno.ENOMEM)


def refuse_unusable(results_dir: Path) -> None:
    """Raise BadInput where a results folder is a file, or can neither be made nor written; makes nothing.

    results_dir: the folder. `usable` finds more, and makes it; this is for the time before, which may be minutes.
    """
    there = next(path for path in (results_dir, *results_dir.absolute().parents) if path.exists())
    if not there.is_dir():
        number = errno.EEXIST if there == results_dir else errno.ENOTDIR
    elif not os.access(there, os.W_OK | os.X_OK):
        number = errno.EACCES
    else:
        return
    raise BadInput(_one_line(results_dir, OSError(number, os.strerror(number), str(there))))


@contextmanager
def usable(results_dir: Path) -> Iterator[None]:
    """Make a results folder if it is absent; inside, its errors are errors of the user.

    results_dir: the folder; a file is written to it as a check.

    Raises BadInput where the folder is a file, read-only, full or removed, at the start or inside the context, or has a
    link that leads out of it. It is raised too where the system has no more processes or open files to give.
    """
    try:
        results_dir.mkdir(parents=True, exist_ok=True)
        refuse_links(results_dir)
        _try_writing(results_dir / f".trial.{os.getpid()}")
    except OSError as error:
        raise BadInput(_one_line(results_dir, error)) from error
    try:
        yield
    except ChildProcessError as error:
        raise BadInput(f"the process of a cell {error}") from error
    except OSError as error:
        if error.errno in OF_THE_SYSTEM:
            raise BadInput(f"{error.strerror}; give fewer cells at a time with --jobs, or a higher `ulimit`") from error
        if error.errno not in OF_THE_FOLDER and not _removed(results_dir):
            raise
        raise BadInput(_one_line(results_dir, error)) from error


def _try_writing(path: Path) -> None:
    try:
        with path.open("wb") as file:
            file.write(bytes(TRIAL_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        path.unlink(missing_ok=True)


def _removed(results_dir: Path) -> bool:
    return not (results_dir / ".work").is_dir()  # the folder itself may be back, with a record of a worker in it


def _one_line(results_dir: Path, error: OSError) -> str:
    at = f" ({error.filename})" if error.filename else ""
    said = f"{error.strerror or error}{at}"
    if error.errno == errno.ENOENT and _removed(results_dir):
        said = "was removed while the run worked in it"
    return f"results folder {results_dir}: {said}; give a writable folder with --results"
