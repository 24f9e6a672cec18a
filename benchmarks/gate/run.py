"""Runs the stages of a gate, cheapest first; a regression ends it before anything expensive starts."""

from __future__ import annotations

import importlib
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.errors import BadInput
from benchmarks.gate import baseline, counters, identity, launch, reduced, revision, sides
from benchmarks.gate.finding import Finding, Verdict, exit_code
from benchmarks.gate.options import STAGES, GateOptions, Tree
from benchmarks.plan import presets, selection
from benchmarks.plan.preset import Preset

EXACT = ("identity", "counters")
UNCHANGED = "identity is equal for every variant, so quality is too; nothing was trained"
RESCORED = "only scoring differs, and quality cannot judge what it is measured by; nothing was trained"


@dataclass(frozen=True)
class Outcome:
    """What a gate found.

    preset: its name or path, as given.
    against: the base in words.
    findings: of all stages that ran.
    not_run: stage -> why it did not run.
    seconds: it took.
    command: that repeats it.
    blessing: command that adopts what the exact stages found.
    """

    preset: str
    against: str
    findings: tuple[Finding, ...]
    not_run: dict[str, str]
    seconds: float
    command: str
    blessing: str

    @property
    def code(self) -> int:
        """Exit code of the gate."""
        return exit_code(self.findings)


def available() -> list[str]:
    """Stages, in their order: those of `STAGES` that have a file here."""
    return [name for name in STAGES if (Path(__file__).parent / f"{name}.py").is_file()]


def gate(preset: str, ref: str | None, options: GateOptions, folder: Path = baseline.FOLDER) -> Outcome:
    """Compare the working tree with a revision or with its committed baseline.

    preset: name or path.
    ref: revision that is the base; None for the baseline.
    options: of the gate.
    folder: of the baselines.

    Raises BadInput where there is nothing to compare with.
    """
    began = time.perf_counter()
    grid = selection.selected(presets.load(preset), options.paradigm)
    head = revision.head_root(options.paradigm)
    findings: list[Finding] = []
    not_run: dict[str, str] = {}
    with _base(preset, grid, ref, options, folder, head) as (exact, against):
        for stage in (name for name in available() if name in options.only):
            if why := _not_needed(stage, findings):
                not_run[stage] = why
                continue
            known = None if ref else baseline.read(baseline.path_of(folder, grid.name, stage))
            tree = exact if stage in EXACT else Tree(head, exact.base if ref else None)
            chosen = options
            if stage == "quality":
                chosen = replace(options, paradigm=_differing(grid, findings, options))
                findings += _of_reduced(grid, tree, folder, chosen)
                if bad := _ends(findings):
                    not_run[stage] = f"the gate ended with {bad.subject}, {bad.quantity}"
                    continue
            findings += importlib.import_module(f"{__package__}.{stage}").stage(preset, tree, known, chosen)
    findings = [replace(f, enforced=False) if _decided_by_quality(f, findings) else f for f in findings]
    files, python = [part for name in options.paradigm for part in ("--paradigm", name)], ["python", "-m", "benchmarks"]
    given = [*(["--base", ref] if ref else []), *files, "--only", ",".join(options.only)]
    command = shlex.join([*python, "gate", preset, *given])
    blessing = shlex.join([*python, "bless", "counters", preset, *files, "--reason", "why it changed"])
    return Outcome(preset, against, tuple(findings), not_run, time.perf_counter() - began, command, blessing)


def _of_reduced(grid: Preset, tree: Tree, folder: Path, options: GateOptions) -> list[Finding]:
    """Findings of the reduced preset that a preset's `[gate]` table names."""
    name = grid.gate.reduced if grid.gate else None
    return [] if name in (None, grid.name) else reduced.stage(name, tree, folder, options)


@contextmanager
def _base(
    preset: str, grid: Preset, ref: str | None, options: GateOptions, folder: Path, head: Path
) -> Iterator[tuple[Tree, str]]:
    """Inside, the trees that identity and counters compare, and the base in words."""
    if ref is not None:
        with revision.worktree(head, ref) as place:
            yield Tree(head, place), f"{ref} ({revision.commit(place)[:12]})"
        return
    known = {name: baseline.read(baseline.path_of(folder, grid.name, name)) for name in EXACT}
    for name in EXACT:
        if name in options.only and known[name] is None:
            raise BadInput(
                f"baseline {baseline.path_of(folder, grid.name, name)}: none yet; write it with: "
                f"python -m benchmarks bless counters {preset} --reason TEXT, or compare with --base REVISION"
            )
    found = next((known[name] for name in EXACT if known[name]), None)
    if found is None:
        yield Tree(head), "the committed baseline"
        return
    against = f"the baseline of {found['date'][:10]} (commit {found['commit'][:12]}: {found['reason']})"
    here = found["machine"] == baseline.machine_class(grid.threads)
    if here or revision.commit(head, found["commit"]) is None:
        yield Tree(head), against
        return
    with revision.worktree(head, found["commit"]) as place:
        tree = Tree(head, place)
        try:
            launch.base(preset, tree, options)
        except BadInput:
            tree = Tree(head)  # the blessed commit does not run here, so the machine classes cannot be bridged
        yield tree, f"{against}, measured again on this machine" if tree.base else against


def _ends(findings: Sequence[Finding]) -> Finding | None:
    """The finding that ends a gate before its expensive stages: a regression or a failure; None where there is none."""
    bad = (Verdict.REGRESSION, Verdict.FAILED)
    return next((finding for finding in findings if finding.verdict in bad and finding.enforced), None)


def _not_needed(stage: str, findings: Sequence[Finding]) -> str | None:
    """Why a stage is not run, in words; None where it is."""
    if stage in EXACT:
        return None
    if bad := _ends(findings):
        return f"the gate ended with {bad.stage}: {bad.subject}, {bad.quantity}"
    found = [finding for finding in findings if finding.stage == "identity"]
    if stage != "quality" or not found or any(_to_measure(finding, findings) for finding in found):
        return None
    return RESCORED if any(_of_scoring(finding, findings) for finding in found) else UNCHANGED


def _to_measure(finding: Finding, findings: Sequence[Finding]) -> bool:
    """Whether a finding of identity leaves the quality of its variant open to a measurement."""
    return finding.verdict is not Verdict.PASS and not _of_scoring(finding, findings)


def _of_scoring(finding: Finding, findings: Sequence[Finding]) -> bool:
    """Whether scoring alone differs: after few updates other sampling may give equal samples, but it executes less."""
    changed = (Verdict.REGRESSION, Verdict.IMPROVEMENT)
    of_same = [other for other in findings if other.stage == "counters" and other.subject == finding.subject]
    executed = {other.quantity for other in of_same if other.verdict in changed} - {counters.RECORD}
    return identity.of_scoring(finding) and not executed


def _decided_by_quality(finding: Finding, findings: Sequence[Finding]) -> bool:
    """Whether a finding is a difference of identity, and what it means has been measured."""
    if finding.stage != "identity" or finding.quantity in sides.MISSING or finding.verdict is not Verdict.INCONCLUSIVE:
        return False
    if _of_scoring(finding, findings):
        return False
    decided = [f for f in findings if f.stage == "quality" and f.enforced and f.verdict is not Verdict.NOT_COMPARABLE]
    return _variant(finding) in [_variant(f) for f in decided]


def _variant(finding: Finding) -> str:
    return finding.subject.partition(" on ")[0]


def _differing(grid: Preset, findings: Sequence[Finding], options: GateOptions) -> tuple[str, ...]:
    """Values of --paradigm for the variants that quality has to decide; all of them where identity did not run."""
    found = [finding for finding in findings if finding.stage == "identity" and _to_measure(finding, findings)]
    if not found:
        return options.paradigm
    given = {name: file for file in options.paradigm for name in selection.selected(grid, [file]).variants}
    variants = dict.fromkeys(map(_variant, found))
    return tuple(given.get(name, name) for name in variants if name in grid.variants)
