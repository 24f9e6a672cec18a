"""The quality stage: are the primary columns of head worse than those of the base, given the noise between seeds?"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from benchmarks.gate.decision import Decision, Looks, Values, decide, finding, noise_of
from benchmarks.gate.finding import Finding, Verdict
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.gate.primaries import PrimaryTest, primary_tests, values
from benchmarks.gate.primary_cells import PrimaryCells
from benchmarks.gate.quality_baseline import SEEDS, candidate, committed, refuse_few
from benchmarks.plan import presets, selection
from benchmarks.plan.preset import Preset
from benchmarks.plan.primaries import Gate

Measure = Callable[[Sequence[str], int], list[dict]]  # (variants, seeds) -> runs


def stage(preset: str, tree: Tree, baseline: dict | None, options: GateOptions) -> list[Finding]:
    """Train and score head, and the base where it is a source tree, until every primary is decided.

    preset: name or path.
    tree: the source trees.
    baseline: committed, as `bless` returns it; None where there is none.
    options: of the gate; `paradigm` selects the variants to measure.
    """
    grid = selection.selected(presets.load(preset), options.paradigm)
    wanted = primary_tests(grid)
    cells = PrimaryCells(preset, grid, wanted, tree, options)
    base = cells.base if tree.base else None
    return compare(wanted, committed(baseline), looks_of(grid, options.seeds_max), cells.head, base)


def bless(preset: str, tree: Tree, options: GateOptions, old: dict | None = None, seeds: int = SEEDS) -> dict:
    """Train and score a candidate baseline of head; an interrupted one goes on where it was.

    preset: name or path.
    tree: its `base` is not used.
    options: of the gate; `paradigm` selects variants.
    old: the baseline that it would replace; None where there is none, or where luck against it is not looked for.
    seeds: training seeds.

    Returns the content of the baseline, as `quality_baseline.candidate` does.

    Raises BadInput for fewer than 10 seeds, a cell that failed, and a candidate outside its own A/A band.
    """
    refuse_few(seeds)
    grid = selection.selected(presets.load(preset), options.paradigm)
    wanted = primary_tests(grid)
    names = list(dict.fromkeys(test.variant for test in wanted))
    return candidate(wanted, PrimaryCells(preset, grid, wanted, tree, options).head(names, seeds), old, seeds)


def compare(
    wanted: Sequence[PrimaryTest],
    known: Mapping[str, Values],
    looks: Sequence[int],
    head: Measure,
    base: Measure | None = None,
) -> list[Finding]:
    """Look after look, measure what is open and decide what can be decided; a regression ends it.

    wanted: the tests.
    known: key of a test -> values of the committed baseline.
    looks: numbers of seeds.
    head, base: run the cells of some variants; without `base`, head is compared with the committed baseline.
    """
    found = [] if base else [_unknown(test, bool(known)) for test in wanted if test.key not in known]
    open_tests = [test for test in wanted if base or test.key in known]
    plan, decided = Looks(tuple(looks), len(open_tests)), {}
    for look, seeds in enumerate(looks):
        names = list(dict.fromkeys(test.variant for test in open_tests))
        measured = head(names, seeds) if names else []
        there = values(open_tests, base(names, seeds)) if base and names else known
        failed = _failures(open_tests, measured, values(open_tests, measured), seeds)
        new = [] if not base else [_unknown(test, True) for test in open_tests if len(there[test.key]) < seeds]
        found += failed + new
        gone = {(one.subject, one.quantity) for one in (*failed, *new)}
        open_tests = [test for test in open_tests if (test.variant, test.quantity) not in gone]
        noises = {test.key: noise_of(test, known[test.key]) for test in open_tests if base and test.key in known}
        for decision in decide(open_tests, values(open_tests, measured), there, noises, plan, look):
            decided[decision.test.key] = decision
        open_tests = [test for test in open_tests if decided[test.key].verdict == Verdict.INCONCLUSIVE]
        if not open_tests or failed or _regressed(decided):
            break
    return found + [finding(decision, plan) for decision in decided.values()]


def looks_of(preset: Preset, seeds_max: int) -> list[int]:
    """Numbers of seeds at which the gate of a preset decides.

    seeds_max: most seeds.
    """
    declared = preset.gate.looks if preset.gate else Gate.model_fields["looks"].default
    return [look for look in declared if look <= seeds_max] or [max(2, seeds_max)]


def _unknown(test: PrimaryTest, others: bool) -> Finding:
    """The finding of a test that the base knows nothing of."""
    why = (
        f"the base has no value of {test.variant}; bless quality to add it" if others else "no baseline of quality yet"
    )
    return Finding("quality", test.variant, test.quantity, Verdict.NOT_COMPARABLE, reason=why)


def _failures(
    wanted: Sequence[PrimaryTest], measured: Sequence[Mapping], found: Mapping[str, Values], seeds: int
) -> list[Finding]:
    """A finding for each test of which a cell of head has no value."""
    reasons = {run["variant"]: f"{run['status']}: {run['reason']}" for run in measured if run["status"] != "done"}
    return [
        Finding(
            *("quality", test.variant, test.quantity, Verdict.FAILED),
            reason=reasons.get(test.variant, f"only {len(found[test.key])} of {seeds} cells have a value of it"),
        )
        for test in wanted
        if len(found[test.key]) < seeds
    ]


def _regressed(decided: Mapping[str, Decision]) -> bool:
    return any(decision.verdict == Verdict.REGRESSION for decision in decided.values())
