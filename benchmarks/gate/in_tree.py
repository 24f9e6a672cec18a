"""Runs a module of the gate in a source tree of its own: the base is measured by its own packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import benchmarks
from benchmarks.errors import BadInput

# A base from before the gate lacks its modules; these are then taken from head, everything else stays the base's own.
BOOT = (
    "import sys, runpy, benchmarks; benchmarks.__path__.append({head!r}); "
    "sys.argv = [{module!r}, *sys.argv[1:]]; runpy.run_module({module!r}, run_name='__main__')"
)


def command(module: str) -> list[str]:
    """The start of a command line that runs a module of `benchmarks`, taken from head where the tree lacks it."""
    return [sys.executable, "-c", BOOT.format(head=str(Path(benchmarks.__file__).parent), module=module)]


def environment(root: Path) -> dict[str, str]:
    """Environment of a process in a tree: its packages first.

    root: folder of the tree.
    """
    rest = os.environ.get("PYTHONPATH")
    return os.environ | {"PYTHONPATH": os.pathsep.join([str(root.resolve()), *([rest] if rest else [])])}


def answer(root: Path, module: str, request: dict) -> object:
    """What a module answers to a request, in a process of its own.

    root: folder of the tree.
    module: writes JSON to the file that its request names under "answer".
    request: JSON values.

    Raises BadInput where the process fails, with the last line that it printed.
    """
    with tempfile.TemporaryDirectory() as folder:
        path, answered = Path(folder) / "request.json", Path(folder) / "answer.json"
        path.write_text(json.dumps(request | {"answer": str(answered)}), encoding="utf-8")
        process = subprocess.run(
            [*command(module), str(path)], cwd=root, env=environment(root), stderr=subprocess.PIPE, text=True
        )
        if process.returncode or not answered.is_file():
            said = (process.stderr.strip().splitlines() or ["nothing"])[-1]
            raise BadInput(f"base {root}: {module} ended with exit code {process.returncode} and said: {said}")
        return json.loads(answered.read_text(encoding="utf-8"))
