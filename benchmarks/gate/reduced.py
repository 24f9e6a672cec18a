"""The quality stage on a preset's reduced preset: seconds a cell, so what breaks a method ends the gate early."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmarks.gate import baseline, quality
from benchmarks.gate.finding import Finding, Verdict
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.plan import presets

ENDS = (Verdict.REGRESSION, Verdict.FAILED)


def stage(preset: str, tree: Tree, folder: Path, options: GateOptions) -> list[Finding]:
    """Compare the quality of the reduced preset. Only what ends a gate counts; the full preset decides the rest.

    preset: name or path of the reduced preset.
    tree: the source trees.
    folder: of the baselines.
    options: of the gate; `paradigm` selects the variants, and those that the reduced preset lacks are left out.
    """
    grid = presets.load(preset)
    known = baseline.read(baseline.path_of(folder, grid.name, "quality"))
    if known is None and tree.base is None:
        why = f"no baseline of quality yet; write it with: python -m benchmarks bless quality {preset} --reason TEXT"
        return [_finding(grid.name, Finding("quality", "all variants", "quality", Verdict.NOT_COMPARABLE, reason=why))]
    chosen = tuple(name for name in options.paradigm if name in grid.variants or name.endswith(".py"))
    if options.paradigm and not chosen:
        return []
    found = quality.stage(preset, tree, known, replace(options, paradigm=chosen))
    return [_finding(grid.name, one) for one in found]


def _finding(preset: str, found: Finding) -> Finding:
    return replace(found, quantity=f"{found.quantity} (preset {preset})", enforced=found.verdict in ENDS)
