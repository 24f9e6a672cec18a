"""Claims of cells: several runs, on several machines, may work in one results folder and share its cells.

The claim of a cell is a file that exactly one process can make: link(2) is atomic, on network file systems too, where
flock(2) is not. It names its holder, who renews its modification time. A claim whose holder has ended, or has not
renewed it for STALE_SECONDS by the clock of the file server, is taken over by making the claim of the next attempt:

    .work/CELL/claim.1      of the first holder, which was killed
    .work/CELL/claim.2      of the holder that took over; the highest number counts

The files go when the holder releases its claim: the highest last, so that nobody finds a lower one to count.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.execute import processes
from benchmarks.store import writer

BEAT_SECONDS = 10.0
STALE_SECONDS = 90.0
PREFIX = "claim."
NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK)  # such as on exFAT


@dataclass
class Claim:
    """The right to run a cell.

    path: file of the claim.
    attempt: 1, and 1 more for each holder that ended without releasing it.
    """

    path: Path
    attempt: int

    def renew(self) -> bool:
        """Tell the others that the holder is alive; returns False where another process has taken the claim over."""
        with suppress(OSError):
            os.utime(self.path)
            return not self.path.with_name(f"{PREFIX}{self.attempt + 1}").exists()
        return False

    def release(self) -> None:
        """Let others claim the cell; without effect on a claim that was taken over."""
        if not self.renew():
            return
        for leftover in self.path.parent.glob(f".{PREFIX}*"):  # of processes that were killed before the link
            leftover.unlink(missing_ok=True)
        for attempt in range(1, self.attempt + 1):
            self.path.with_name(f"{PREFIX}{attempt}").unlink(missing_ok=True)


class Claims:
    """Takes claims in the name of this process.

    folder: where the claims are, in a folder for each name.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.me = {"host": writer.machine(), "pid": os.getpid(), "started": processes.started(os.getpid())}

    def take(self, name: str) -> Claim | None:
        """The claim of a name, such as that of a cell; None where another process holds it, or has just taken it."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        held = _highest(folder)
        if held and not self._stale(folder / f"{PREFIX}{held}"):
            return None
        fresh = folder / f".{PREFIX}{secrets.token_hex(8)}"
        fresh.write_text(json.dumps(self.me))
        claim = Claim(folder / f"{PREFIX}{held + 1}", held + 1)
        try:
            _link(fresh, claim.path)
        except (FileExistsError, FileNotFoundError):  # another was faster, or has just released it
            return None
        finally:
            fresh.unlink(missing_ok=True)
        return claim

    def sweep(self, spared: Collection[str]) -> None:
        """Remove claims that nobody will take over: of cells that were done when their holder was killed.

        spared: names of cells that are still to run.
        """
        for name in {path.parent.name for path in self.folder.glob("*/*claim.*")} - {*spared}:
            if claim := self.take(name):
                claim.release()

    def holder(self, name: str) -> str:
        """Who holds the claim of a name, in words."""
        folder = self.folder / name
        found = _read(folder / f"{PREFIX}{_highest(folder)}") or {}
        here = found.get("host") == self.me["host"]
        return f"process {found.get('pid', '?')}" + ("" if here else f" on {str(found.get('host', '?')).split('/')[0]}")

    def _stale(self, path: Path) -> bool:
        found = _read(path)
        if found is None:
            return False  # just released
        if found.get("host") == self.me["host"] and processes.started(found["pid"]) != found["started"]:
            return True  # its holder has ended
        clock = self.folder / "clock"
        clock.touch()  # its time is that of the file server, as the claim's is
        try:
            return clock.stat().st_mtime - path.stat().st_mtime > STALE_SECONDS
        except FileNotFoundError:
            return False


def _link(fresh: Path, path: Path) -> None:
    try:
        os.link(fresh, path)
    except OSError as error:
        if error.errno not in NO_LINKS:
            raise
        with path.open("x") as file:  # exclusive, too, though a reader may find it empty at first
            file.write(fresh.read_text())


def _highest(folder: Path) -> int:
    """Number of the attempt whose claim counts; 0 where nobody holds one."""
    names = (name.removeprefix(PREFIX) for name in os.listdir(folder) if name.startswith(PREFIX))
    return max((int(number) for number in names if number.isdigit()), default=0)


def _read(path: Path) -> dict | None:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None
