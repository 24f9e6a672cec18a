"""What one look of the quality gate decides about each primary, and how it is told."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.gate import sequential
from benchmarks.gate.finding import Finding, Verdict
from benchmarks.gate.primaries import PrimaryTest
from benchmarks.gate.sequential import ALARM, MISS, Change, Noise

Values = Mapping[int, float]  # training seed -> value, as records hold it


@dataclass(frozen=True)
class Looks:
    """The plan of a sequential test.

    seeds: numbers of seeds, ascending.
    family: number of tests.
    """

    seeds: tuple[int, ...]
    family: int


@dataclass(frozen=True)
class Decision:
    """What is known of one test after a look.

    test: which.
    verdict: INCONCLUSIVE where a further look may decide.
    change: estimated.
    head, base: values.
    noise: of the baseline, on the scale of the test.
    low, high: bounds of the change that decide: of a regression, and of a pass.
    """

    test: PrimaryTest
    verdict: Verdict
    change: Change
    head: Values
    base: Values
    noise: Noise
    low: float
    high: float


def noise_of(test: PrimaryTest, values: Values) -> Noise:
    """Noise between the training seeds of a baseline, on the scale of the test.

    values: of at least two seeds.
    """
    return Noise.of([test.scaled(value) for value in values.values()])


def decide(
    tests: Sequence[PrimaryTest],
    head: Mapping[str, Values],
    base: Mapping[str, Values],
    noises: Mapping[str, Noise],
    looks: Looks,
    look: int,
) -> list[Decision]:
    """What one look decides.

    tests: those that earlier looks have left open.
    head, base: key of a test -> values.
    noises: key -> noise of a committed baseline, used beside that of `base` where that was measured anew.
    looks: the plan.
    look: index.
    """
    changes = {test.key: _change(test, head[test.key], base[test.key], noises.get(test.key)) for test in tests}
    alarm = sequential.spent(ALARM, looks.seeds, look)
    # Tests of the family that are decided already keep their place in it, as hypotheses that are not rejected.
    decided = {index: 1.0 for index in range(looks.family - len(tests))}
    worse = sequential.rejected(decided | {key: change.p_worse() for key, change in changes.items()}, alarm)
    better = sequential.rejected(decided | {key: change.p_better() for key, change in changes.items()}, alarm)
    last = look == len(looks.seeds) - 1
    found = []
    for test in tests:
        change = changes[test.key]
        low = change.low(alarm / looks.family)
        high = change.high(sequential.spent(MISS, looks.seeds, look))
        verdict = _verdict(test, change, high, test.key in worse, test.key in better, last)
        noise = noises.get(test.key) or noise_of(test, base[test.key])
        found.append(Decision(test, verdict, change, head[test.key], base[test.key], noise, low, high))
    return found


def _change(test: PrimaryTest, head: Values, base: Values, noise: Noise | None) -> Change:
    scaled = [{seed: test.scaled(value) for seed, value in side.items()} for side in (head, base)]
    return sequential.change(*scaled, noise)


def _verdict(test: PrimaryTest, change: Change, high: float, worse: bool, better: bool, last: bool) -> Verdict:
    if worse and change.value > test.margin:
        return Verdict.REGRESSION
    if better and change.value < -test.margin:
        return Verdict.IMPROVEMENT
    # What looks like an improvement beyond the margin is measured to the end, since it asks for a blessing.
    if high < test.margin and (last or change.value > -test.margin):
        return Verdict.PASS
    return Verdict.INCONCLUSIVE


def finding(decision: Decision, looks: Looks) -> Finding:
    """The decision as the gate prints it.

    decision: the last one of a test.
    looks: the plan.
    """
    test = decision.test
    effects = sorted([test.effect(decision.low), test.effect(decision.high)])
    alarm = ALARM / looks.family
    # A base revision has as many seeds as head at the last look, a committed baseline more from the start.
    n_base = max(len(decision.base), looks.seeds[-1])
    noise = Noise(decision.noise.sd, max(decision.noise.freedom, n_base - 1))
    detectable = sequential.detectable(noise, looks.seeds[-1], n_base, alarm)
    mean = {
        side: float(test.unscaled(np.mean([test.scaled(value) for value in values.values()])))
        for side, values in (("base", decision.base), ("head", decision.head))
    }
    return Finding(
        "quality",
        test.variant,
        test.quantity,
        decision.verdict,
        **{side: float(f"{value:.4g}") for side, value in mean.items()},
        effect=test.effect(decision.change.value),
        low=effects[0],
        high=effects[1],
        detectable=detectable if test.column == "accuracy" else math.expm1(detectable),
        seeds=len(decision.head),
        reason=_reason(decision, looks),
    )


def _reason(decision: Decision, looks: Looks) -> str:
    test, n = decision.test, len(decision.head)
    margin = f"{test.margin:.3g} points" if test.column == "accuracy" else f"{math.expm1(test.margin):.0%}"
    after = f"after {n} seeds"
    if decision.verdict == Verdict.REGRESSION:
        return f"worse than the margin of {margin} {after}, and the interval excludes no change"
    if decision.verdict == Verdict.IMPROVEMENT:
        return f"better than the margin of {margin} {after}; bless quality to move the baseline"
    if decision.verdict == Verdict.PASS:
        return f"not worse by the margin of {margin} {after}"
    if n < looks.seeds[-1]:
        return f"left open {after}: a regression of another primary ended the gate"
    alarm = ALARM / looks.family
    seeds = sequential.seeds_to_decide(decision.change.value, test.margin, decision.noise, len(decision.base), alarm)
    if seeds is None:
        return f"noise leaves it open {after}; the baseline of {len(decision.base)} seeds is too small to decide it"
    return f"noise leaves it open {after}; about {max(seeds, n + 1)} would decide it, if the change is as estimated"
