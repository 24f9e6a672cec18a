"""Launches of two source trees that take turns, A B B A, for every quantity: their log ratios, and A over A."""

from __future__ import annotations

import json
import math
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from benchmarks.errors import BadInput
from benchmarks.gate import in_tree, revision
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.plan.preset import Preset

ROUNDS = 3  # of a launch


@dataclass(frozen=True)
class Launch:
    """What one launch of both trees gives, per quantity as mean over its rounds.

    ratio: log of head over base.
    same: log of the second over the first turn of the base, 0 where nothing changed meanwhile.
    """

    ratio: dict[str, float]
    same: dict[str, float]


class Timer:
    """The timing process of one tree; a context manager that ends it.

    given: name or path of the preset.
    preset: head's.
    root: of the tree.
    tree, options: of the gate.
    """

    def __init__(self, given: str, preset: Preset, root: Path, tree: Tree, options: GateOptions):
        self.root, self.folder = root, tempfile.TemporaryDirectory()
        data_dir = options.data_dir
        spec = {
            "name": revision.within(given, root, tree.head),
            "preset": preset.model_dump(mode="json", exclude={"gate"}, exclude_defaults=True),
            "paradigm": [revision.within(name, root, tree.head) for name in options.paradigm],
            "data_dir": str(data_dir.resolve()) if data_dir else None,
        }
        path, self.log = Path(self.folder.name) / "spec.json", Path(self.folder.name) / "log.txt"
        path.write_text(json.dumps(spec), encoding="utf-8")
        code = revision.code_root(root)
        environment = in_tree.environment(code) | {"OMP_NUM_THREADS": str(preset.threads)}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*in_tree.command("benchmarks.gate.laps"), str(path)],
                **{"cwd": code, "env": environment, "text": True, "stderr": log},
                **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE},
            )

    def __enter__(self) -> Timer:
        return self

    def __exit__(self, *_) -> None:
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()

    def ask(self, line: str) -> object:
        """The answer to a line, as `laps` documents it. Raises BadInput where the process has ended."""
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            said = (self.log.read_text(errors="replace").strip().splitlines() or ["nothing"])[-1]
            raise BadInput(f"speed of {self.root}: its process ended and said: {said}")
        return json.loads(answer)


def launches(given: str, preset: Preset, tree: Tree, options: GateOptions, n: int) -> list[Launch]:
    """`n` launches of head and base, in new processes.

    given, preset: as in `Timer`.
    tree: both trees.
    options: of the gate.

    Raises BadInput where one of them cannot be timed.
    """
    with ExitStack() as stack:
        head, base = (stack.enter_context(Timer(given, preset, root, tree, options)) for root in (tree.head, tree.base))
        return [_launch(head, base) for _ in range(n)]


def alone(given: str, preset: Preset, tree: Tree, options: GateOptions, n: int) -> list[dict[str, float]]:
    """Quantity -> log of its time in units of the reference, of `n` launches of head alone.

    Arguments as in `launches`.
    """
    with Timer(given, preset, tree.head, tree, options) as head:
        found = []
        for _ in range(n):
            names = head.ask("launch")
            rounds = [{name: math.log(head.ask(name)) for name in names} for _ in range(ROUNDS)]
            found.append({name: fmean(one[name] for one in rounds) for name in names})
        return found


def _launch(head: Timer, base: Timer) -> Launch:
    known = set(base.ask("launch"))
    names = [name for name in head.ask("launch") if name in known]
    rounds = [{name: _turns(name, head, base) for name in names} for _ in range(ROUNDS)]
    ratio, same = ({name: fmean(one[name][part] for one in rounds) for name in names} for part in (0, 1))
    return Launch(ratio, same)


def _turns(name: str, head: Timer, base: Timer) -> tuple[float, float]:
    order: Sequence[Timer] = (base, head, head, base)
    first, second, third, fourth = (math.log(timer.ask(name)) for timer in order)
    return (second + third - first - fourth) / 2, fourth - first
