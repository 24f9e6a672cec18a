"""Writes the history: what a gate or a blessing leaves there, with the facts that only the repository knows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.gate import baseline, history, revision
from benchmarks.gate.finding import Finding
from benchmarks.gate.options import GateOptions
from benchmarks.plan import presets


def gated(preset: str, findings: Sequence[Finding], options: GateOptions, folder: Path) -> None:
    """Add a gate to the history in its output folder.

    preset: name or path.
    findings: of all stages.
    options: of the gate.
    folder: of the baselines.
    """
    grid, head = presets.load(preset), revision.head_root(options.paradigm)
    try:
        dirty = revision.dirty(head, baseline.FOLDER) is not None
        counters = (baseline.read(baseline.path_of(folder, grid.name, "counters")) or {}).get("values", {})
    except BadInput:  # no git, or a baseline of another schema: the gate has said so where it matters
        dirty, counters = True, {}
    machine = baseline.machine_class(grid.threads)
    entry = history.of_gate(grid.name, findings, revision.commit(head), dirty, machine, counters)
    history.append(options.output / history.NAME, entry)


def blessed(kind: str, preset: str, reason: str, options: GateOptions) -> None:
    """Add a blessing to the history in its output folder.

    kind: "counters", "quality" or "speed".
    preset: name or path.
    reason: as blessed.
    options: of the command.
    """
    commit = revision.commit(revision.head_root(options.paradigm))
    history.append(options.output / history.NAME, history.of_blessing(kind, presets.load(preset).name, reason, commit))
