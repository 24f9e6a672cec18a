"""Blesses a baseline: what the working tree measures now becomes what later gates compare with."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.errors import BadInput, nearest
from benchmarks.gate import baseline, counters, identity, launch, quality_baseline, revision, run, sides
from benchmarks.gate.finding import Finding, Verdict
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.plan import presets, selection

PARTS = {"values", "noise", "train_code"}  # of a baseline, that hold an entry per variant or test


def kinds() -> list[str]:
    """Kinds of baselines: "counters", which holds identity too, and those of the other stages."""
    return [name for name in run.available() if name not in baseline.KIND_OF]


def bless(
    kind: str, preset: str, reason: str, options: GateOptions, folder: Path = baseline.FOLDER, dry_run: bool = False
) -> list[dict]:
    """Measure the working tree and write the baseline of a kind; returns a row per value that changes.

    kind: one of `kinds()`.
    preset: name or path.
    reason: why the baseline changes, in a sentence for its readers.
    options: of the gate; with `paradigm`, only the values of these are replaced.
    folder: of the baselines.
    dry_run: measure, and write nothing.

    Raises BadInput for an unknown kind, an empty reason, a tree with changes, a cell that failed, and numbers that do
    not repeat.
    """
    if kind not in kinds():
        raise BadInput(f"kind {kind!r} is unknown; allowed: {', '.join(kinds())}{nearest(kind, kinds())}")
    if not reason.strip():
        raise BadInput("--reason: is empty; say in a sentence why the baseline changes")
    grid = selection.selected(presets.load(preset), options.paradigm)
    head = revision.head_root(options.paradigm)
    if not dry_run and (changed := revision.dirty(head, baseline.FOLDER)):
        raise BadInput(f"working tree {head}: has changes ({changed}); commit them first: a blessing names a commit")
    tree = Tree(head)
    old = baseline.path_of(folder, grid.name, kind)
    made = _exact(preset, tree, options) if kind == "counters" else _of_stage(kind, preset, tree, options, old)
    facts = {"reason": " ".join(reason.split()), "commit": revision.commit(head)}
    facts |= {"date": datetime.now(UTC).isoformat(timespec="seconds"), "machine": baseline.machine_class(grid.threads)}
    rows = []
    for name, content in made.items():
        path = baseline.path_of(folder, grid.name, name)
        known = _known(path)
        if options.paradigm:
            content = content | {part: known.get(part, {}) | content[part] for part in PARTS & content.keys()}
        rows += _changes(name, known.get("values", {}), content["values"])
        if not dry_run:
            baseline.write(path, facts | content)
    return rows


def _exact(preset: str, tree: Tree, options: GateOptions) -> dict[str, dict]:
    """Identity and counters, each with noise and values. Raises BadInput where a cell fails or does not repeat."""
    first, second = launch.head(preset, tree, options), launch.again(preset, tree, options)
    for subject, found in (*first.items(), *second.items()):
        if "failed" in found:
            raise BadInput(f"{subject}: failed: {found['failed']}; a failed cell is not blessed")
    repeated = identity.compare(sides.part(first, "identity"), sides.part(second, "identity"))
    for finding in _unequal(repeated):
        raise BadInput(f"{finding.subject}: two measurements of one tree differ: {finding.reason}; it is not blessed")
    counted = sides.part(first, "counters")
    for finding in _unequal(counters.compare(counted, sides.part(second, "counters"))):
        counted[finding.subject][finding.quantity] = None
    return {
        "identity": {"noise": {"measured": 2, "differences": 0}, "values": sides.part(first, "identity")},
        "counters": {"noise": {"measured": 2}, "values": counted},
    }


def _of_stage(kind: str, preset: str, tree: Tree, options: GateOptions, old: Path) -> dict[str, dict]:
    """{kind: {"noise", "values"}} of a stage that measures with noise, by its function `bless`."""
    module = importlib.import_module(f"{__package__}.{kind}")
    return {kind: module.bless(preset, tree, options, baseline.read(old))}


def _known(path: Path) -> dict[str, dict]:
    """The present baseline; empty where there is none, or none that this version reads."""
    try:
        return baseline.read(path) or {}
    except BadInput:
        return {}


def _changes(kind: str, known: dict, values: dict) -> list[dict]:
    """A row per value that the blessing changes. known, values: of the baseline, before and after."""
    if kind in ("identity", "counters"):
        compare = identity.compare if kind == "identity" else counters.compare
        found = [finding for finding in compare(known, values) if _tells(finding)]
        rows = [(f.subject, f.quantity, f.base, f.head, f.reason) for f in found]
    elif kind == "quality":
        rows = [
            ("", test, *means, "") for test, *means in quality_baseline.changes({"values": known}, {"values": values})
        ]
    else:
        names = [name for name in dict.fromkeys([*known, *values]) if known.get(name) != values.get(name)]
        rows = [(name, "", known.get(name), values.get(name), "") for name in names]
    return [
        dict(zip(("kind", "variant", "quantity", "base", "head", "why"), (kind, *row), strict=True)) for row in rows
    ]


def _tells(finding: Finding) -> bool:
    return finding.quantity == sides.NEW or finding.verdict not in (Verdict.PASS, Verdict.NOT_COMPARABLE)


def _unequal(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.verdict not in (Verdict.PASS, Verdict.NOT_COMPARABLE)]
