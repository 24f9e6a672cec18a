"""The record of a cell whose process ended without one: status and reason."""

from __future__ import annotations

import signal

from benchmarks.execute.work import Work
from benchmarks.store import records
from benchmarks.store.provenance import provenance


def failure(work: Work, code: int, seconds: float, timed_out: bool, lost: int = 0) -> dict:
    """The record of a cell that has left none.

    work: folder of the cell, with its log.
    code: exit code of its process; negative for the number of the signal that ended it.
    seconds: wall-clock time since its start.
    timed_out: whether it was ended because of its time limit.
    lost: how often the fork server was killed, and its process with it.
    """
    cell = work.cell
    if timed_out:
        status, reason = "timeout", f"not done within {cell.limit_seconds:g} s"
    elif lost:
        status = "oom"
        reason = f"the process that starts cells was killed {lost} times while this one ran, as when memory runs out"
    elif code == -signal.SIGKILL:
        status, reason = "oom", "killed from outside (SIGKILL), as the kernel does when memory runs out"
    elif code < 0:
        requested = -code in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        status, reason = "interrupted" if requested else "failed", f"ended by {signal.Signals(-code).name}"
    else:
        status, reason = "failed", f"ended with exit code {code} and no record"
    if status != "interrupted" and (last := work.last_line()):
        reason += f"; last log line: {last}"
    return records.opening(cell, status, reason) | {
        "wall_seconds": seconds,
        "provenance": provenance(cell.device, cell.threads, exclusive=cell.kind == "timing"),
    }
