"""Who writes a temporary file: its name says so, and a file whose writer has ended can go at once."""

from __future__ import annotations

import hashlib
import os
import socket
from contextlib import suppress
from pathlib import Path


def machine() -> str:
    """This machine since it was started; a container with processes of its own counts as one."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
    with suppress(OSError):
        parts.append(os.readlink("/proc/self/ns/pid"))
    return "/".join(parts)


def name() -> str:
    """This process, as a part of a file's name: a hash of its machine and the process id."""
    return f"{_machine()}-{os.getpid()}"


def ended(name: str) -> bool:
    """Whether the process of a name has ended; False where it cannot be known, since it runs elsewhere.

    name: as `name` gives it, or anything else.
    """
    place, _, pid = name.partition("-")
    if place != _machine() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:  # somebody else's
        return False
    return False


def _machine() -> str:
    return hashlib.sha256(machine().encode()).hexdigest()[:8]
