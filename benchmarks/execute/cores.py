"""Number of CPU cores that this process may use."""

from __future__ import annotations

import os


def cores() -> int:
    """Number of cores that this process may run on, at least 1; an affinity mask may exclude some of the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
