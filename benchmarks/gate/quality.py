"""The quality stage: are the primary columns of head worse than those of the base, given the noise between seeds?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from benchmarks.execute import session
from benchmarks.gate import in_tree, runs
from benchmarks.gate.decision import Decision, Looks, Values, decide, finding, noise_of
from benchmarks.gate.finding import Finding, Verdict
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.gate.primaries import PrimaryTest, primary_tests, values
from benchmarks.plan.preset import Preset
from benchmarks.plan.primaries import Gate

Measure = Callable[[Sequence[str], int], list[dict]]  # (variants, seeds) -> runs


def stage(
    preset: Preset, tree: Tree, baseline: dict | None, options: GateOptions, variants: Collection[str] | None = None
) -> list[Finding]:
    """Train and score head, and the base where it is a source tree, until every primary is decided.

    preset: head's.
    tree: the source trees.
    baseline: committed, as `quality_baseline.bless` returns it; None where there is none.
    options: of the gate.
    variants: those to measure, because their identity differs; None for all.
    """
    wanted = [test for test in primary_tests(preset) if variants is None or test.variant in variants]
    head = partial(of_head, preset, wanted, options)
    base = partial(of_base, preset, wanted, options, tree.base) if tree.base else None
    return compare(wanted, committed(baseline), looks_of(preset, options.seeds_max), head, base)


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


def committed(baseline: dict | None) -> dict[str, dict[int, float]]:
    """Key of a test -> training seed -> value of a committed baseline; empty where there is none."""
    of_json = (baseline or {}).get("values", {})
    return {key: {int(seed): value for seed, value in seeds.items()} for key, seeds in of_json.items()}


def of_head(
    preset: Preset, wanted: Sequence[PrimaryTest], options: GateOptions, names: Sequence[str], seeds: int
) -> list[dict]:
    """Runs of the working tree, in this process."""
    place = session.Place(options.output / "quality" / "head", data_dir=options.data_dir, jobs=options.jobs)
    return runs.measure(preset, names, _columns(wanted), seeds, place)


def of_base(
    preset: Preset, wanted: Sequence[PrimaryTest], options: GateOptions, root: Path, names: Sequence[str], seeds: int
) -> list[dict]:
    """Runs of the base's source tree, in a process of its own."""
    request = {
        "name": preset.name,
        "preset": preset.model_dump(mode="json", exclude={"gate"}, exclude_defaults=True),
        "paradigm": list(options.paradigm),
        "variants": list(names),
        "columns": _columns(wanted),
        "seeds": seeds,
        "results_dir": str((options.output / "quality" / "base").resolve()),
        "data_dir": str(options.data_dir.resolve()) if options.data_dir else None,
        "jobs": options.jobs,
    }
    return in_tree.answer(root, "benchmarks.gate.runs", request)


def _columns(wanted: Sequence[PrimaryTest]) -> dict[str, list[tuple]]:
    columns: dict[str, list[tuple]] = {}
    for test in wanted:
        columns.setdefault(test.variant, []).append((test.column, test.nfe, test.sampler))
    return columns


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
