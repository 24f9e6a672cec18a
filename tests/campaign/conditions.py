"""Runs where disk, memory, environment or terminal are not as they should be, and checks how each run ends.

    python -m tests.campaign.conditions --output FILE

Every run is the command `run` with stub cells, in a folder with spaces, quotes and characters outside ASCII in its
name; where the report may depend on the condition, it writes that of real records. It has to end in success, or in one
line and exit code 2; no process may outlive it. Root is needed, for file systems of their own.
"""

from __future__ import annotations

import argparse
import functools
import os
import secrets
import shlex
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

from benchmarks import cli
from benchmarks.execute import preparation, session
from benchmarks.plan.grid import Machine
from tests import ROOT
from tests.benchmarks.conftest import FAKE_WORKER
from tests.benchmarks.fake_run import write_run
from tests.campaign import summary
from tests.campaign.killed_run import COOKIE, PATIENCE_SECONDS, alive

SECONDS = 300.0
DONE, REFUSED, UNREAD = 0, 2, 1
PRESET = """
description = "Stub cells"
datasets = ["digits"]
seeds = 2
nfe = [1]
limit_seconds = 60
curve_points = 1
curve_nfe = [1]
sample_batch = 1
timing_seconds = 0.1
budget_flops = { generation = 1.0, recognition = 1.0 }
variants.a = { paradigm = "diffusion", options = { act = "ACT", seconds = 0.3 } }
"""


@dataclass
class Condition:
    """What is not as it should be.

    expected: exit codes that are right.
    mount: options of the file system that takes the place of the folder `at`, such as "size=64k"; None for none.
    at: "results" or a path.
    limit: an option of `ulimit`.
    variables: of the environment; None removes one.
    around: a shell command with {} in place of the run, or {quoted} where it is one word.
    act: of the stub cells.
    report: whether tables, figures and the page are written.
    """

    expected: tuple[int, ...] = (DONE,)
    mount: str | None = None
    at: str = "results"
    limit: str | None = None
    variables: dict[str, str | None] = field(default_factory=dict)
    around: str = "{}"
    act: str = "succeed"
    report: bool = False

    def command(self, run: list[str], results: Path) -> list[str]:
        """The shell command that runs under the condition."""
        text = self.around.format(shlex.join(run), quoted=shlex.quote(shlex.join(run)))
        if self.limit:
            text = f"ulimit {self.limit}; {text}"
        if self.mount is None:
            return ["bash", "-c", text]
        place = shlex.quote(str(results if self.at == "results" else self.at))
        mount = f"mkdir -p {place} && mount -t tmpfs -o {self.mount} none {place}"
        return ["unshare", "--mount", "bash", "-c", f"{mount} && {text}"]


TERMINAL = "script -qec {quoted} /dev/null"  # a terminal of its own
CONDITIONS = {
    "nothing unusual": Condition(report=True),
    "disk full from the start": Condition((REFUSED,), mount="size=64k"),
    "disk that fills up during the run": Condition((REFUSED,), mount="size=1100k", act="chatter"),
    "read-only results folder": Condition((REFUSED,), mount="ro"),
    "clock that jumps by a day, back and forth": Condition(variables={"JUMP": "1"}),
    "`/dev/shm` read-only": Condition(mount="ro", at="/dev/shm", report=True),
    "`/dev/shm` full": Condition(mount="size=4k,nr_inodes=1", at="/dev/shm", report=True),
    "no HOME": Condition(variables={"HOME": None, "XDG_CACHE_HOME": None}, report=True),
    "HOME that cannot be written": Condition(variables={"HOME": "/proc", "XDG_CACHE_HOME": None}, report=True),
    "no environment but PATH": Condition(around="env -i PATH=$PATH PYTHONPATH=$PYTHONPATH COOKIE {}"),
    "64 file descriptors": Condition(limit="-n 64", report=True),
    "4 GiB of address space": Condition((DONE, REFUSED), limit="-v 4194304", report=True),
    "512 MiB of address space": Condition((DONE, REFUSED, UNREAD), limit="-v 524288"),
    "reader of the output leaves": Condition((UNREAD,), around="{} | true; exit ${{PIPESTATUS[0]}}"),
    "reader of both outputs leaves": Condition((UNREAD,), around="{} 2>&1 | true; exit ${{PIPESTATUS[0]}}"),
    "no standard streams": Condition((DONE, UNREAD), around="{} <&- >&- 2>&-"),
    "dumb terminal": Condition(variables={"TERM": "dumb"}, around=TERMINAL),
    "unknown terminal": Condition(variables={"TERM": "no-such-terminal"}, around=TERMINAL),
    "terminal of 10 columns": Condition(variables={"COLUMNS": "10", "LINES": "4"}, around=TERMINAL),
    "C locale": Condition(variables={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}),
    "ASCII output": Condition(variables={"PYTHONIOENCODING": "ascii"}),
    "TMPDIR of 120 letters": Condition(variables={"TMPDIR": "LONG"}),
    "TMPDIR that does not exist": Condition(variables={"TMPDIR": "/nowhere"}, report=True),
}


def work(results: str, report: bool) -> None:
    """What runs under the condition: the command `run`, with stub cells and without the preparation of a real one."""
    machine = Machine("cpu", {"digits": "data"}, {})
    real, calls = time.time, iter(range(10**9))
    jump = (lambda: real() + (86400 if next(calls) % 2 else -86400)) if "JUMP" in os.environ else real
    preset = str(Path(results).parent / "stub.toml")
    with ExitStack() as stack:
        if not report:
            stack.enter_context(patch.object(session, "concluded", lambda *_: "the table of 你"))
        for owner, name, new in (
            (preparation, "prepare", lambda *_, **__: machine),
            (session, "execute", functools.partial(session.execute, worker=FAKE_WORKER)),
            (time, "time", jump),
        ):
            stack.enter_context(patch.object(owner, name, new))
        cli.main(["run", preset, "--jobs", "2", "--results", results])


def outcome(name: str, folder: Path) -> tuple[str, str]:
    """Run under a condition; returns how it ended, and what was wrong with that (empty where nothing was)."""
    condition, cookie = CONDITIONS[name], secrets.token_hex(8)
    (long := folder / ("t" * 120)).mkdir()
    (results := folder / "résultats of 你 'x'").mkdir()
    (folder / "stub.toml").write_text(PRESET.replace("ACT", condition.act))
    if condition.report:
        write_run(results, ("end-to-end",), n_seeds=1, npz=False)
    variables = os.environ | {COOKIE: cookie, "PYTHONPATH": str(ROOT)} | condition.variables
    variables = {key: str(long) if value == "LONG" else value for key, value in variables.items() if value is not None}
    run = [sys.executable, "-m", "tests.campaign.conditions", "--work", str(results)]
    run += ["--report"] if condition.report else []
    command = [part.replace("COOKIE ", f"{COOKIE}={cookie} ") for part in condition.command(run, results)]
    try:
        ended = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        return "hang", f"takes longer than {SECONDS:g} s"
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (left := alive(cookie)) and time.monotonic() < deadline:
        time.sleep(0.1)
    said = (ended.stderr + (ended.stdout if condition.around == TERMINAL else b"")).decode(errors="replace")
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    wrong = [f"{len(left)} processes outlive it"] if left else []
    wrong += ["a traceback"] if "Traceback" in said else []
    wrong += [f"exit code {ended.returncode}"] if ended.returncode not in condition.expected else []
    wrong += [f"{len(errors)} error lines"] if (ended.returncode == REFUSED) != (len(errors) == 1) else []
    wrong += said.strip().splitlines()[-1:] if wrong else []
    how = {DONE: "done", REFUSED: "one line, exit code 2"}.get(ended.returncode, f"exit code {ended.returncode}")
    return ": ".join([how, *errors[:1]]).replace(str(folder), ""), "; ".join(wrong)


def main() -> int:
    """Run under every condition; returns 1 where one ends wrongly."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[*CONDITIONS], help="Conditions; default: all.")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--report", action="store_true", help=argparse.SUPPRESS)
    summary.add_option(parser)
    given, began = parser.parse_args(), time.monotonic()
    if given.work:
        return work(given.work, given.report)
    rows, problems = ["| condition | how the run ended | as it should |", "| --- | --- | --- |"], []
    for name in given.only:
        with tempfile.TemporaryDirectory() as folder:
            how, wrong = outcome(name, Path(folder))
        rows.append(f"| {name} | {how} | {'no' if wrong else 'yes'} |")
        problems += [f"{name}: {wrong}"] if wrong else []
        print(f"{name}: {how}{f' WRONG: {wrong}' if wrong else ''}", flush=True)
        finding = f"Of {len(rows) - 2} conditions {len(problems)} end a run wrongly."
        said = "\n".join(rows)
        summary.write(
            given.output,
            "Runs under unusual conditions",
            finding,
            said,
            problems,
            [summary.origin(time.monotonic() - began)],
        )
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
