"""The run that a campaign kills: ten short stub cells, or the report of a folder.

    python -m tests.campaign.killed_run FOLDER [--report FOLDER] [--engine ray]

Everything that it starts inherits a cookie in its environment, by which it is found when it should have ended.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from benchmarks.execute import drawing, processes
from benchmarks.execute.session import Place, execute
from benchmarks.execute.signals import interruptible
from tests import ROOT
from tests.benchmarks.conftest import FAKE_WORKER, cells_of, grid
from tests.benchmarks.conftest import alive as workers

COOKIE, SEEDS = "ALEXNET_MOMENT_CAMPAIGN", "ALEXNET_MOMENT_CAMPAIGN_SEEDS"  # environment variables
PATIENCE_SECONDS = 10.0  # after which nothing of an ended run may be alive


def cells() -> list:
    """Ten short cells; a variant starts from another.

    SEEDS seeds of every variant; where it is 1, the run writes no report before its end.
    """
    seeds = int(os.environ.get(SEEDS, "4"))
    stub = {"options": {"act": "succeed", "seconds": 0.3}}
    variants = {}
    for pair in range(4 // seeds):
        variants[f"a{pair}"] = {"paradigm": "diffusion", "timed": pair == 0} | stub
        variants[f"b{pair}"] = {"paradigm": "unrolled", "init_from": f"a{pair}", "timed": pair == 0} | stub
    return cells_of(grid([], seeds=seeds, variants=variants))


def start(folder: Path, log: Path, cookie: str, report: Path | None = None, engine: str = "local") -> subprocess.Popen:
    """Start a run.

    folder: of its results.
    log: file to which its output is added.
    cookie: by which `alive` finds it and what it starts.
    report: folder whose report is written instead; None to run cells.
    engine: what starts the cells.
    """
    variables = os.environ | {COOKIE: cookie, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", __name__, str(folder), "--engine", engine]
    command += ["--report", str(report)] if report else []
    with log.open("ab") as file:
        return subprocess.Popen(command, cwd=ROOT, env=variables, stdout=file, stderr=file, start_new_session=True)


def alive(cookie: str) -> list[int]:
    """Processes whose environment holds the cookie, or was copied from one that does, and that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"{COOKIE}={cookie}".encode() in path.read_bytes() and processes.started(int(path.parent.name)):
                found.append(int(path.parent.name))
    return found


def working_in(folder: Path) -> list[int]:
    """Processes that run cells of a folder, wherever they were started: those that name it, and stub cells."""
    found = workers(folder) if (folder / "pids").is_dir() else []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if str(folder).encode() in path.read_bytes():
                found.append(int(path.parent.name))
    return found


def sent(pid: int, name: str) -> bool:
    """Send a signal to a process; returns whether there was one."""
    with suppress(ProcessLookupError):
        os.kill(pid, getattr(signal, name))
        return True
    return False


def main() -> int:
    """Run the cells, or write the report; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="Results folder.")
    parser.add_argument("--report", type=Path, help="Folder whose report is written instead; default: none.")
    parser.add_argument("--engine", default="local", help="What starts the cells; default: local.")
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background jobs of a shell
    try:
        if given.report is not None:
            with interruptible():
                drawing.draw([given.report])
            return 0
        found = execute(cells(), Place(given.folder, jobs=2, engine=given.engine), FAKE_WORKER)
    except KeyboardInterrupt:
        return 130
    return int(any(record["status"] != "done" for record in found))


if __name__ == "__main__":
    sys.exit(main())
