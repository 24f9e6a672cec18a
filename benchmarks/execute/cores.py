"""How many CPU cores there are for us."""

from __future__ import annotations

import os


def cores() -> int:
    """Cores that this process may run on, at least 1; fewer than the machine's where it is confined."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
