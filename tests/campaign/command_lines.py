"""Mutated presets, sets of options and whole command lines, given to the command line in this process.

Nothing trains: cells count as done at once, and the preflight of a preset's machine is left out.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks import cli, doctor
from benchmarks.execute import fork_server, session
from benchmarks.plan import presets
from benchmarks.store import records
from tests.campaign.attempts import Attempt, main
from tests.campaign.mutations import bytes_of, word

SMOKE = (presets.FOLDER / "smoke.toml").read_text()
MACHINE = {"device": "cpu", "data_hashes": {}, "extractors": {}, "unbuilt": []}
PARADIGM = 'class Mine:\n    title, era, task = "Mine", "other", "generation"\n'
OPTIONS = [
    *["--paradigm", "--seeds", "--set", "--budget", "--jobs", "--device", "--data-dir", "--results", "--aa", "--json"],
    *["--budget-axis", "--dry-run", "--all", "--selftest", "--help"],
]
FLAGS = {"--json", "--dry-run", "--all", "--selftest", "--help"}
COMMANDS = ["run", "report", "rescore", "list", "doctor", "diagnose", "glossary"]


def make(rng: np.random.Generator, folder: Path) -> tuple[str, Attempt]:
    """A mutated preset, a set of options, or a whole command line."""
    (folder / "tiny.toml").write_text(SMOKE)
    (folder / "mine.py").write_text(PARADIGM)
    kind = rng.integers(4)
    if kind == 0:
        (folder / "mutated.toml").write_bytes(bytes_of(SMOKE.encode(), rng))
        return "preset, bytes", _attempt(["run", "mutated.toml", "--dry-run"], folder)
    if kind == 1:
        (folder / "mutated.toml").write_text(_with_another_value(rng), errors="surrogatepass")
        return "preset, values", _attempt(["run", "mutated.toml", "--dry-run"], folder)
    if kind == 2:
        more = [part for _ in range(rng.integers(1, 4)) for part in _option(rng)]
        return "options of run", _attempt(["run", "tiny.toml", "--dry-run", *more], folder)
    command = COMMANDS[rng.integers(len(COMMANDS))] if rng.random() < 0.9 else word(rng)
    words = [word(rng) for _ in range(rng.integers(0, 3))]
    more = [part for _ in range(rng.integers(0, 3)) for part in _option(rng)]
    return "command line", _attempt([command, *words, *more], folder)


def _with_another_value(rng: np.random.Generator) -> str:
    lines = SMOKE.splitlines()
    settings = [index for index, line in enumerate(lines) if " = " in line]
    index = settings[rng.integers(len(settings))]
    name, value = word(rng), word(rng)
    if rng.random() < 0.3:
        lines[index] = f"{name} = {lines[index].partition(' = ')[2]}"
    else:
        quoted = value if rng.random() < 0.5 else "'" + value.replace("'", "") + "'"
        lines[index] = f"{lines[index].partition(' = ')[0]} = {quoted}"
    return "\n".join(lines)


def _option(rng: np.random.Generator) -> list[str]:
    name = OPTIONS[rng.integers(len(OPTIONS))]
    if name in FLAGS and rng.random() < 0.9:
        return [name]
    return [name, word(rng)] if rng.random() < 0.5 else [f"{name}={word(rng)}"]


def _attempt(arguments: list[str], folder: Path) -> Attempt:
    def ask(module: str, request: dict, *_: object) -> dict:
        return MACHINE | {"data_hashes": dict.fromkeys(request["preset"].datasets, "data")}

    def execute(cells, place, **_) -> list[dict]:
        return [records.opening(cell, "done") for cell in cells]

    def attempt() -> str:
        with contextlib.chdir(folder), contextlib.ExitStack() as stack:
            for owner, name, new in (
                (fork_server, "ask", ask),
                (session, "execute", execute),
                (session, "finish", lambda *_: "the table"),
                (session, "concluded", lambda *_: "the table"),
                (doctor, "examine", lambda *_: {"problems": []}),
                (doctor, "selftest", lambda: []),
            ):
                stack.enter_context(patch.object(owner, name, new))
            cli.main(arguments)
        return "accepted"

    return attempt


if __name__ == "__main__":
    main(make, "Mutated presets, options and command lines")
