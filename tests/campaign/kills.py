"""Kills runs at random moments, and checks that nothing is lost, wrong or left behind.

    python -m tests.campaign.kills --count 100 --seed 0
    python -m tests.campaign.kills --count 5 --targets node          kills nodes of a Ray cluster (extra `ray`)

Each kill sends a random signal to the run, its fork server or a worker, while cells run or while the report is drawn. A
killed run is started again in the same folder until all cells are done. Then its records equal those of a run that
nobody killed, and no process, claim or half-written file is left. The moment is chosen as `moments.py` says.
"""

from __future__ import annotations

import argparse
import random
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.execute import processes
from benchmarks.store import records
from tests.benchmarks.fake_run import write_run
from tests.campaign import parts, summary
from tests.campaign.killed_run import PATIENCE_SECONDS, alive, cells, sent, start, working_in
from tests.campaign.moments import Moments
from tests.campaign.ray_nodes import RayNodes

LONGEST_SECONDS = 120.0  # of a run, which takes a few seconds on an idle machine
SIGNALS = ("SIGKILL", "SIGKILL", "SIGKILL", "SIGTERM", "SIGHUP", "SIGINT", "SIGSTOP")
ORDER = (
    "A killed run is started again until all of its cells are done. Then its records have to equal those of a run that "
    f"nobody killed. Processes that are alive {PATIENCE_SECONDS:g} s after a kill, claims and half-written files that "
    "are left, and runs that hang are problems, too."
)
TARGETS = ("run", "run", "fork server", "worker", "worker")
NODE = "node"
TITLE = "Runs killed at random moments"
REPORTS = 0.15  # share of the kills while the report is drawn


class Campaign:
    """Kills and what they have shown.

    folder: where runs work.
    seed: of targets, signals and moments.
    targets: what is killed, each as often as it stands there; some of TARGETS, and NODE for a node of a Ray cluster.
    first: number of the first kill; a number of a seed has the same target, signal and share of the run's time.
    """

    def __init__(self, folder: Path, seed: int, targets: Sequence[str] = TARGETS, first: int = 0):
        self.folder, self.seed, self.targets, self.first = folder, seed, targets, first
        self.killed: Counter[tuple[str, str]] = Counter()  # (what was killed, signal)
        self.problems: list[str] = []
        self.runs: Counter[str] = Counter()
        self.log = folder / "log.txt"
        write_run(folder / "report", n_seeds=1, npz=False)
        self.moments = Moments(folder, self.log)
        self.expected = self.results(self.moments.unharmed)

    @property
    def n_kills(self) -> int:
        """Number of kills so far."""
        return sum(self.killed.values())

    def results(self, folder: Path) -> dict:
        """What records say that must not depend on kills."""
        found = {}
        for cell in cells():
            record = records.read(records.path_of(folder, cell))
            found[cell.stem] = {key: record[key] for key in ("key", "status", "cell", "result")}
        return found

    def kill_many(self, n_kills: int, reports: bool = True, after_kill: Callable = lambda: None) -> None:
        """Kill n_kills times, and finish every folder.

        reports: whether reports are drawn, too: some of the kills come meanwhile, and every folder gets one.
        after_kill: is called after each of them, and after each folder.
        """
        while self.n_kills < n_kills:
            folder = self.folder / f"run {self.n_kills} é"
            while self.n_kills < n_kills and not self.is_done(folder):
                self.kill_once(folder, reports)
                after_kill()
            self.finish(folder, reports)
            after_kill()

    def is_done(self, folder: Path) -> bool:
        """Whether all cells of a folder are done."""
        return all(records.done(folder, cell) for cell in cells())

    def kill_once(self, folder: Path, reports: bool) -> None:
        """Start a run, and send it or what it has started a signal, unless it ends before."""
        choice = random.Random(f"{self.seed} {self.first + self.n_kills}")
        target, name, share = choice.choice(self.targets), choice.choice(SIGNALS), choice.random()
        if target == NODE:
            with RayNodes() as nodes:
                return self.kill_node(folder, nodes, choice, share)
        report = self.folder / "report" if choice.random() < REPORTS and reports else None
        cookie = secrets.token_hex(8)
        left = self.moments.seconds_left(folder, report)
        process = self.start(folder, cookie, report)
        pid = self.moments.wait(process, lambda: self.find(process.pid, target, choice), share * left)
        victim = f"{target}{' while the report is drawn' if report else ''}"
        if pid is None or not sent(pid, name):
            process.wait()
            self.runs["missed"] += 1
            return None
        self.killed[victim, name] += 1
        if name == "SIGSTOP":
            self.after_stop(process, pid, choice)
        self.await_end(process, cookie, f"{name} to {victim}")
        return None

    def after_stop(self, process: subprocess.Popen, pid: int, choice: random.Random) -> None:
        """Let what was stopped go on, or kill it."""
        time.sleep(1.0)
        sent(choice.choice([pid, process.pid]), choice.choice(["SIGCONT", "SIGKILL"]))
        if pid != process.pid:  # a run waits for a worker that is stopped, up to its time limit
            time.sleep(0.5)
            process.kill()
        else:
            sent(process.pid, "SIGCONT")

    def kill_node(self, folder: Path, nodes: RayNodes, choice: random.Random, share: float) -> None:
        """Kill a node of a cluster while a run's cells are on it; the run has to end in success all the same."""
        cookie = secrets.token_hex(8)
        process = self.start(folder, cookie, engine="ray")

        def works() -> bool:
            return any(folder.glob(".work/*/claim.*"))

        if not self.moments.wait(process, works, share * self.moments.seconds_left(folder), begun=works):
            self.runs["missed"] += 1
            process.wait()
            return
        self.killed["engine's node", "SIGKILL"] += 1
        nodes.kill(choice.randrange(len(nodes.nodes)))
        if self.await_end(process, cookie, "the end of a node", lambda: working_in(folder)):
            self.problems.append(f"{folder.name}: the run fails after the end of a node")

    def await_end(
        self, process: subprocess.Popen, cookie: str, what: str, others: Callable[[], list[int]] = list
    ) -> int:
        """Wait until a run that `what` was done to has ended, and note what outlives it; returns its exit code.

        others: processes that it has started elsewhere, without its cookie.
        """
        try:
            code = process.wait(max(LONGEST_SECONDS, 20 * self.moments.whole))
        except subprocess.TimeoutExpired:
            self.problems.append(f"hangs after {what}")
            process.kill()
            code = process.wait()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (left := [*alive(cookie), *others()]) and time.monotonic() < deadline:
            time.sleep(0.05)
        if left:
            self.problems.append(f"{len(left)} processes outlive {what}")
        for pid in left:
            sent(pid, "SIGKILL")
        return code

    def start(self, folder: Path, cookie: str, report: Path | None = None, engine: str = "local") -> subprocess.Popen:
        """Start a run."""
        self.runs["to be killed"] += 1
        return start(folder, self.log, cookie, report, engine)

    def find(self, run: int, target: str, choice: random.Random) -> int | None:
        """The process id of a target; None where there is none now."""
        servers = processes.children(run)
        workers = [child for server in servers for child in processes.children(server)]
        found = {"run": [run], "fork server": servers, "worker": workers}[target]
        return choice.choice(found) if found else None

    def finish(self, folder: Path, reports: bool) -> None:
        """Run until all cells are done, and check the folder."""
        for _ in range(3):
            self.runs["finishing"] += 1
            if start(folder, self.log, "finish").wait() == 0:
                break
        else:
            self.problems.append(f"{folder.name} does not end in success")
            return
        if reports:
            start(folder, self.log, "finish", report=folder).wait()  # as at the end of a real run
        if self.results(folder) != self.expected:
            self.problems.append(f"{folder.name}: records differ from those of an uninterrupted run")
        left = [path.name for pattern in ("*.tmp", "*claim.*", ".trial*") for path in folder.rglob(pattern)]
        if left:
            self.problems.append(f"{folder.name}: leaves {', '.join(left)}")
        shutil.rmtree(folder)


def main() -> int:
    """Run the campaign; returns 1 where it has found a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts.add_options(parser, "kills", 100, "--kills")
    said = "What is killed; default: run, fork server and worker."
    parser.add_argument("--targets", nargs="+", choices=[*dict.fromkeys(TARGETS), NODE], default=[], help=said)
    given, began = parser.parse_args(), time.monotonic()
    earlier, part, count = parts.begun(parser, given)
    if part is not None and count:
        targets = [one for one in (*TARGETS, NODE) if one in given.targets] or TARGETS
        with tempfile.TemporaryDirectory(prefix="kills ") as folder:
            campaign = Campaign(Path(folder), given.seed, targets, part.first)

            def write() -> None:
                part.done, part.problems, part.numbers = campaign.n_kills, campaign.problems, dict(campaign.runs)
                part.counts = by_victim(campaign.killed)
                part.origin = summary.origin(time.monotonic() - began)
                print(parts.write(given.output, TITLE, [*earlier, part], told), flush=True)

            campaign.kill_many(count, after_kill=write)
    found = [*earlier, part] if part else earlier
    print(parts.write(given.output, TITLE, found, told))
    problems = parts.added(found).problems
    for problem in problems:
        print(f"problem: {problem}")
    return int(bool(problems))


def by_victim(killed: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """What was killed -> signal -> number."""
    counts: dict[str, dict[str, int]] = {}
    for (victim, name), n in killed.items():
        counts.setdefault(victim, {})[name] = n
    return counts


def told(total: parts.Part) -> tuple[str, str]:
    """The finding, and the counts."""
    runs, missed, finishing = (int(total.numbers.get(name, 0)) for name in ("to be killed", "missed", "finishing"))
    finding = (
        f"{total.done} kills have shown {len(total.problems)} problems. {runs} runs were started to be killed, "
        f"{runs / max(1, total.done):.2f} a kill: {missed} of them ended before. {finishing} finished what was left."
    )
    return finding, f"{ORDER}\n\n{summary.table(total.counts, 'killed')}"


if __name__ == "__main__":
    sys.exit(main())
