"""Kills runs at random moments, and checks that nothing is lost, wrong or left behind.

    python -m tests.campaign.kills --kills 100 --seed 0

Each kill sends a random signal to the run, its fork server or a worker, while cells run or while the report is drawn. A
killed run is started again in the same folder until all cells are done. Then its records equal those of a run that
nobody killed, and no process, claim or half-written file is left.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from benchmarks.execute import processes
from benchmarks.execute.session import Place, execute
from benchmarks.store import records
from tests import ROOT
from tests.benchmarks.conftest import FAKE_WORKER, cells_of, grid
from tests.benchmarks.fake_run import write_run
from tests.campaign import summary

COOKIE = "ALEXNET_MOMENT_CAMPAIGN"
PATIENCE_SECONDS = 10.0
LONGEST_SECONDS = 120.0  # of a run, which takes a few seconds on an idle machine
SIGNALS = ("SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGSTOP")
ORDER = (
    "A killed run is started again until all of its cells are done. Then its records have to equal those of a run that "
    f"nobody killed. Processes that are alive {PATIENCE_SECONDS:g} s after a kill, claims and half-written files that "
    "are left, and runs that hang are problems, too."
)
TARGETS = ("run", "run", "fork server", "worker", "worker")


def cells() -> list:
    """Ten short cells; a variant starts from another."""
    variants = {
        "a": {"paradigm": "diffusion", "options": {"act": "succeed", "seconds": 0.3}},
        "b": {"paradigm": "unrolled", "init_from": "a", "options": {"act": "succeed", "seconds": 0.3}},
    }
    return cells_of(grid(["a"], seeds=4, variants=variants))


def work(folder: Path, report: Path | None) -> int:
    """What is killed: run the cells of `folder`, or write the report of `report`; returns the exit code."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background jobs of a shell
    try:
        if report is not None:
            from benchmarks.execute import drawing
            from benchmarks.execute.signals import interruptible

            with interruptible():
                drawing.draw([report])
            return 0
        found = execute(cells(), Place(folder, jobs=2), FAKE_WORKER)
    except KeyboardInterrupt:
        return 130
    return int(any(record["status"] != "done" for record in found))


class Campaign:
    """Kills and what they have shown.

    folder: where runs work.
    seed: of targets, signals and moments.
    """

    def __init__(self, folder: Path, seed: int):
        self.folder, self.random = folder, random.Random(seed)
        self.killed: Counter[tuple[str, str]] = Counter()  # (what was killed, signal)
        self.problems: list[str] = []
        self.n_runs, began = 0, time.monotonic()
        assert self.start(folder / "uninterrupted", False, "first").wait() == 0
        self.pace = time.monotonic() - began  # of a whole run on this computer with its other work
        self.expected = self.results(folder / "uninterrupted")
        write_run(folder / "report", n_seeds=1, npz=False)

    def results(self, folder: Path) -> dict:
        """What records say that must not depend on kills."""
        found = {}
        for cell in cells():
            record = records.read(records.path_of(folder, cell))
            found[cell.stem] = {key: record[key] for key in ("key", "status", "cell", "result")}
        return found

    def kill_many(self, n_kills: int, reports: bool = True, after_folder: Callable = lambda: None) -> None:
        """Kill n_kills times, and finish every folder; after_folder is called after each of them."""
        run = 0
        while sum(self.killed.values()) < n_kills:
            folder, run = self.folder / f"run {run} é", run + 1
            ended = False
            while not ended and sum(self.killed.values()) < n_kills:
                ended = self.kill_once(folder, reports and self.random.random() < 0.15)
            self.finish(folder)
            after_folder()

    def kill_once(self, folder: Path, report: bool = False) -> bool:
        """Start a run and send it, or what it has started, a signal; returns whether all of its cells are done."""
        cookie = secrets.token_hex(8)
        process = self.start(folder, report, cookie)
        time.sleep(self.random.uniform(0, self.pace * (2 if report else 0.8)))
        target, name = self.random.choice(TARGETS), self.random.choice(SIGNALS)
        pid = self.find(process.pid, target)
        victim = f"{target}{' while the report is drawn' if report else ''}"
        what = f"{name} to {victim}"
        if pid is None or process.poll() is not None:
            process.wait()
            return process.returncode == 0 and not report
        self.killed[victim, name] += 1
        with suppress(ProcessLookupError):
            os.kill(pid, getattr(signal, name))
        if name == "SIGSTOP":
            time.sleep(1.0)
            with suppress(ProcessLookupError):
                os.kill(self.random.choice([pid, process.pid]), self.random.choice([signal.SIGCONT, signal.SIGKILL]))
            if pid != process.pid:  # a run waits for a worker that is stopped, up to its time limit
                time.sleep(0.5)
                process.kill()
            else:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGCONT)
        try:
            code = process.wait(max(LONGEST_SECONDS, 20 * self.pace))
        except subprocess.TimeoutExpired:
            self.problems.append(f"hangs after {what}")
            process.kill()
            code = process.wait()
        self.check_orphans(cookie, what)
        return code == 0 and not report

    def start(self, folder: Path, report: bool, cookie: str) -> subprocess.Popen:
        """Start a run."""
        self.n_runs += 1
        variables = os.environ | {COOKIE: cookie, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.campaign.kills", "--work", str(folder)]
        command += ["--report", str(self.folder / "report")] if report else []
        log = (self.folder / "log.txt").open("ab")
        return subprocess.Popen(command, cwd=ROOT, env=variables, stdout=log, stderr=log, start_new_session=True)

    def find(self, run: int, target: str) -> int | None:
        """The process id of a target; None where there is none now."""
        servers = processes.children(run)
        workers = [child for server in servers for child in processes.children(server)]
        found = {"run": [run], "fork server": servers, "worker": workers}[target]
        return self.random.choice(found) if found else None

    def check_orphans(self, cookie: str, what: str) -> None:
        """Note processes of an ended run that do not end."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (left := alive(cookie)) and time.monotonic() < deadline:
            time.sleep(0.05)
        if left:
            self.problems.append(f"{len(left)} processes outlive {what}")
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def finish(self, folder: Path) -> None:
        """Run until all cells are done, and check the folder."""
        for _ in range(3):
            if self.start(folder, False, "finish").wait() == 0:
                break
        else:
            self.problems.append(f"{folder.name} does not end in success")
            return
        if self.results(folder) != self.expected:
            self.problems.append(f"{folder.name}: records differ from those of an uninterrupted run")
        left = [path.name for pattern in ("*.tmp", "*claim.*", ".trial*") for path in folder.rglob(pattern)]
        if left:
            self.problems.append(f"{folder.name}: leaves {', '.join(left)}")
        shutil.rmtree(folder)


def alive(cookie: str) -> list[int]:
    """Processes whose environment holds the cookie, or was copied from one that does, and that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"{COOKIE}={cookie}".encode() in path.read_bytes() and processes.started(int(path.parent.name)):
                found.append(int(path.parent.name))
    return found


def main() -> int:
    """Run the campaign; returns 1 where it has found a problem."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=100, help="number of kills; default: 100")
    parser.add_argument("--seed", type=int, default=0, help="seed of targets, signals and moments; default: 0")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--report", type=Path, help=argparse.SUPPRESS)
    summary.add_option(parser)
    given = parser.parse_args()
    if given.work:
        return work(given.work, given.report)
    with tempfile.TemporaryDirectory(prefix="kills ") as folder:
        campaign, began = Campaign(Path(folder), given.seed), time.monotonic()

        def write() -> None:
            written(campaign, given.output, time.monotonic() - began)

        campaign.kill_many(given.kills, after_folder=write)
        write()
    for problem in campaign.problems:
        print(f"problem: {problem}")
    return int(bool(campaign.problems))


def written(campaign: Campaign, output: Path | None, seconds: float) -> None:
    """Print the counts so far, and write the summary where it was asked for."""
    counts: dict[str, dict[str, int]] = {}
    for (victim, name), n in sorted(campaign.killed.items()):
        counts.setdefault(victim, {})[name] = n
    n_kills = sum(campaign.killed.values())
    print(
        f"{n_kills} kills of {campaign.n_runs} runs in {seconds:.0f} s, {len(campaign.problems)} problems", flush=True
    )
    finding = f"{n_kills} kills of {campaign.n_runs} runs have shown {len(campaign.problems)} problems."
    table = f"{ORDER}\n\n{summary.table(counts, 'killed')}"
    summary.write(output, "Runs killed at random moments", finding, table, campaign.problems, seconds)


if __name__ == "__main__":
    sys.exit(main())
