"""Ties processes together: a child ends when its parent ends, and what it started ends with it.

Both need Linux. Elsewhere the functions do nothing, and a process that was killed may leave children behind.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
PROC = Path("/proc")


def die_with(parent: int, number: int = signal.SIGKILL) -> None:
    """Let the kernel send this process a signal when its parent ends, however that ends.

    parent: process id of the parent.
    number: the signal.
    """
    _prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it has ended before the call
        os.kill(os.getpid(), number)


def tie_forks() -> None:
    """Let every process that the main thread forks from now on end with this one, however that ends, and theirs too.

    A pool's workers hold both ends of its pipes, so without this they wait for ever once the process is killed.
    """
    parent = [os.getpid()]

    def tie() -> None:
        die_with(parent[0])
        parent[0] = os.getpid()

    os.register_at_fork(after_in_child=tie)


def adopt_orphans() -> None:
    """Make this process the parent of every descendant whose own parent ends, sessions of their own included."""
    _prctl(PR_SET_CHILD_SUBREAPER, 1)


def children(pid: int) -> list[int]:
    """Process ids of the children of a process that have not ended."""
    return [child for child, parent in _parents().items() if parent == pid]


def end_descendants(pid: int, patience_seconds: float = 5.0) -> None:
    """Kill every descendant of a process, and those that they start meanwhile.

    pid: the process, which is spared.
    patience_seconds: how long to go on, since a process in an uninterruptible call of the kernel ends later.
    """
    deadline = time.monotonic() + patience_seconds
    # /proc is read process by process, so one whose parent ends meanwhile is missed, but not twice.
    while (found := _descendants(pid) or _descendants(pid)) and time.monotonic() < deadline:
        for descendant in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(descendant, signal.SIGKILL)
        time.sleep(0.005)


def started(pid: int) -> str | None:
    """When a process started, in ticks since boot; with its id it names a process for good. None where it has ended."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None if PROC.is_dir() or not _exists(pid) else ""
    return None if _ended(fields) else fields[19]


def _ended(fields: list[str]) -> bool:
    """Whether a process has ended, its last thread included: until then it keeps its children and its files.

    fields: those of its `stat` from the state on (man proc_pid_stat).
    """
    return fields[0] in "ZX" and int(fields[17]) < 2


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _descendants(pid: int) -> list[int]:
    parents, found = _parents(), [pid]
    for ancestor in found:
        found += [child for child, parent in parents.items() if parent == ancestor]
    return found[1:]


def _parents() -> dict[int, int]:
    """Process id -> that of its parent, of every process that has not ended."""
    parents = {}
    for entry in PROC.glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = entry.read_text().rpartition(")")[2].split()
            if not _ended(fields):
                parents[int(entry.parent.name)] = int(fields[1])
    return parents


def _prctl(option: int, value: int) -> None:
    with suppress(AttributeError):  # not Linux
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
