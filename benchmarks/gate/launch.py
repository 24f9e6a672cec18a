"""Measures a source tree in a process of its own, with the tree's own packages; a base only once per commit."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.gate import baseline, revision
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.plan import presets
from benchmarks.store import atomic

MEASURE = "benchmarks.gate.measure"
WHOLE = "head"  # the subject where no variant of head could be measured


class Unmeasured(Exception):
    """A tree could not be measured at all; the message is one line."""


@cache
def head(preset: str, tree: Tree, options: GateOptions) -> dict[str, dict]:
    """Subject -> measurement of the working tree; {WHOLE: {"failed": one line}} where nothing could be measured."""
    try:
        return _measured(tree.head, preset, tree, options)
    except Unmeasured as error:
        return {WHOLE: {"failed": str(error)}}


def again(preset: str, tree: Tree, options: GateOptions) -> dict[str, dict]:
    """As `head`, measured once more: what differs between the two is not reproducible."""
    return head.__wrapped__(preset, tree, options)


@cache
def base(preset: str, tree: Tree, options: GateOptions) -> dict[str, dict]:
    """Subject -> measurement of the base's tree, from the user's cache where its commit was measured here before.

    Raises BadInput where it cannot be measured.
    """
    root = tree.base
    commit, kept = revision.commit(root), None
    if revision.code_root(root) == root:
        kept = _cached(commit, preset, options)
        if kept.is_file():
            return json.loads(kept.read_text(encoding="utf-8"))
        _bring_instrument(root)
    try:
        found = _measured(root, preset, tree, options)
    except Unmeasured as error:
        raise BadInput(f"base {commit[:12]}: cannot be measured: {error}; choose a base that runs") from None
    if kept:
        _keep(kept, found)
    return found


def _measured(root: Path, preset: str, tree: Tree, options: GateOptions) -> dict[str, dict]:
    given = [revision.within(name, root, tree.head) for name in options.paradigm]
    given = [name for name in given if not name.endswith(".py") or Path(name).is_file()]
    if options.paradigm and not given:
        return {}  # a base without the file: everything is new
    options.output.mkdir(parents=True, exist_ok=True)
    log = options.output / f"measure-{'head' if root == tree.head else 'base'}.log"
    code = revision.code_root(root)
    with tempfile.TemporaryDirectory(prefix="gate-") as folder:
        spec, output = Path(folder) / "spec.json", Path(folder) / "measured.json"
        content = {"preset": revision.within(preset, root, tree.head), "paradigm": given, "jobs": options.jobs}
        content |= {"data_dir": options.data_dir and str(options.data_dir.resolve()), "output": str(output)}
        spec.write_text(json.dumps(content), encoding="utf-8")
        path = os.pathsep.join([str(code), *filter(None, [os.environ.get("PYTHONPATH")])])
        environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
        with log.open("w", encoding="utf-8") as file:
            command = [sys.executable, "-m", MEASURE, str(spec)]
            subprocess.run(command, cwd=code, env=environment, stdout=file, stderr=subprocess.STDOUT)
        if not output.is_file():
            raise Unmeasured(f"{_last_line(log)} (log: {log})")
        found = json.loads(output.read_text(encoding="utf-8"))
    if "refused" in found:
        raise Unmeasured(found["refused"])
    return found["variants"]


def _last_line(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else "its process ended without a word"


def _bring_instrument(root: Path) -> None:
    """Give a base without the gate, or with one whose values mean something else, the gate of head."""
    theirs = root / "benchmarks" / "gate"
    declared = theirs / "baseline.py"
    found = re.search(r"^SCHEMA = (\d+)", declared.read_text(encoding="utf-8"), re.M) if declared.is_file() else None
    if found is None or int(found[1]) != baseline.SCHEMA:
        shutil.rmtree(theirs, ignore_errors=True)
        shutil.copytree(Path(__file__).parent, theirs, ignore=shutil.ignore_patterns("__pycache__"))


def _cached(commit: str, preset: str, options: GateOptions) -> Path:
    import pooch

    facts = [commit, preset, options.paradigm, baseline.SCHEMA, baseline.machine_class(presets.load(preset).threads)]
    key = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    return Path(pooch.os_cache("alexnet-moment")) / "gate" / f"{commit[:12]}-{key[:16]}.json"


def _keep(path: Path, found: dict) -> None:
    if any("failed" in measurement for measurement in found.values()):
        return  # the next try may find what was missing
    try:
        atomic.write(path, json.dumps(found).encode())
    except OSError as error:
        print(f"gate: the base's measurement is not kept: {error}", file=sys.stderr)
