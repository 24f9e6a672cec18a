"""The speed stage: is head slower than the base, timed in turns in one job?

On a shared machine it reports. It decides only with `--speed enforce`, where the base is timed in the same job and a
quantity's own A/A ratio, base over base, is inside the band.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from benchmarks.errors import BadInput
from benchmarks.gate import baseline as baselines
from benchmarks.gate import sequential, turns
from benchmarks.gate.finding import Finding, Verdict
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.gate.sequential import ALARM, MISS, Estimate, Noise
from benchmarks.plan import presets, selection

MARGIN = math.log(1.03)  # tolerated slowdown, and the band of the A/A ratio
LOOKS = {"report": (2,), "enforce": (2, 4)}  # launches of both trees
ALONE, BLESSED = 3, 10  # launches of head against a committed baseline, and of a baseline
REPORTED = "reported only: give --speed enforce on a machine that does nothing else"
ELSEWHERE = "reported only: the baseline was timed in another job; give --base REVISION to time both in turns"


def stage(preset: str, tree: Tree, baseline: dict | None, options: GateOptions) -> list[Finding]:
    """Time head, and the base in turns where it is a source tree.

    preset: name or path.
    tree: the source trees.
    baseline: committed, as `bless` returns it; None where there is none.
    options: of the gate.
    """
    grid = selection.selected(presets.load(preset), options.paradigm)
    if tree.base is None:
        if baseline is None:
            return [_nothing("no baseline of speed yet; give --base REVISION, or bless speed")]
        if baseline["machine"] != baselines.machine_class(grid.threads):
            return [_nothing("the baseline of speed is of another machine class; give --base REVISION")]
        return against_baseline(turns.alone(preset, grid, tree, options, ALONE), baseline["values"])
    looks, taken = LOOKS[options.speed], []
    for look, n in enumerate(looks):
        taken += turns.launches(preset, grid, tree, options, n - len(taken))
        found = compare(taken, look, looks, options.speed == "enforce")
        if not any(finding.verdict == Verdict.INCONCLUSIVE for finding in found):
            break
    if not any(finding.enforced and finding.verdict == Verdict.REGRESSION for finding in found):
        return found
    return confirmed(found, turns.launches(preset, grid, tree, options, looks[0]))


def bless(preset: str, tree: Tree, options: GateOptions, old: dict | None = None) -> dict:
    """Times of head in units of the reference, of ten launches: {"noise", "values": quantity -> {"ratio"}}.

    preset, tree, options: as in `stage`.
    old: not used; the candidate is held against itself.

    Raises BadInput where the machine's speed changed meanwhile, beyond the band.
    """
    grid = selection.selected(presets.load(preset), options.paradigm)
    return candidate(turns.alone(preset, grid, tree, options, BLESSED))


def candidate(taken: Sequence[dict[str, float]]) -> dict:
    """The baseline that some launches make, as `bless` returns it and with its refusal.

    taken: quantity -> log time, per launch.
    """
    groups = {name: [one[name] for one in taken] for name in taken[0]}
    noise = Noise.of(*groups.values())
    half = len(taken) // 2
    drift = float(np.mean([np.mean(group[half:]) - np.mean(group[:half]) for group in groups.values()]))
    if abs(drift) > MARGIN:
        raise BadInput(
            f"bless speed: the second half of the launches took {math.exp(drift):.3f} times the first; allowed: "
            f"{math.exp(-MARGIN):.2f} to {math.exp(MARGIN):.2f}. Measure on a machine that does nothing else"
        )
    values = {name: {"ratio": float(f"{math.exp(np.mean(group)):.4g}")} for name, group in groups.items()}
    return {
        "noise": {"sd": float(f"{noise.sd:.3g}"), "freedom": noise.freedom, "launches": len(taken)},
        "values": values,
    }


def compare(taken: Sequence[turns.Launch], look: int, looks: Sequence[int], enforce: bool) -> list[Finding]:
    """What some launches in turns decide about each quantity.

    taken: at least two launches.
    look: index of the look.
    looks: numbers of launches.
    enforce: whether the machine is declared to do nothing else.
    """
    ratios = {name: [launch.ratio[name] for launch in taken] for name in taken[0].ratio}
    noise = Noise.of(*ratios.values())  # the quantities are timed alike, so they share it
    error = noise.sd / math.sqrt(len(taken))
    estimates = {name: Estimate(float(np.mean(r)), error, noise.freedom, 1.0) for name, r in ratios.items()}
    alarm = sequential.spent(ALARM, looks, look)
    slower = sequential.rejected({name: one.p_above(0.0) for name, one in estimates.items()}, alarm)
    mirrored = {name: replace(one, change=-one.change).p_above(0.0) for name, one in estimates.items()}
    faster = sequential.rejected(mirrored, alarm)
    found = []
    for name, one in estimates.items():
        same = float(np.mean([launch.same[name] for launch in taken]))
        inside = abs(same) <= MARGIN
        verdict = _verdict(one, name in slower, name in faster, sequential.spent(MISS, looks, look))
        why = f"A/A ratio {math.exp(same):.3f}"
        if not enforce:
            why += f"; {REPORTED}"
        elif not inside:
            why += f", outside {math.exp(-MARGIN):.2f} to {math.exp(MARGIN):.2f}, so the machine decides nothing here"
        detectable = math.expm1(one.detectable(alarm / len(ratios)))
        bounds = (one.low(alarm / len(ratios)), one.high(sequential.spent(MISS, looks, look)))
        found.append(_finding(name, verdict, one.change, bounds, detectable, why, enforce and inside))
    return found


def confirmed(found: Sequence[Finding], again: Sequence[turns.Launch]) -> list[Finding]:
    """The findings, of which a slowdown that new processes do not show is inconclusive.

    found: of `compare`.
    again: launches in new processes.
    """
    changes = {name: float(np.mean([launch.ratio[name] for launch in again])) for name in again[0].ratio}
    checked = []
    for finding in found:
        if finding.verdict == Verdict.REGRESSION:
            change = changes[f"{finding.subject}: {finding.quantity}"]
            if change > MARGIN:
                finding = replace(finding, reason=f"{finding.reason}; new processes show {math.exp(change):.3f}")
            else:
                why = f"{finding.reason}; not confirmed: new processes show {math.exp(change):.3f}"
                finding = replace(finding, verdict=Verdict.INCONCLUSIVE, reason=why)
        checked.append(finding)
    return checked


def against_baseline(taken: Sequence[dict[str, float]], known: dict[str, dict]) -> list[Finding]:
    """Findings that decide nothing: head now, against times of an earlier job.

    taken: quantity -> log time, per launch.
    known: quantity -> {"ratio"} of the baseline.
    """
    noise = Noise.of(*([one[name] for one in taken] for name in taken[0]))
    error = noise.sd / math.sqrt(len(taken))
    found = []
    for name in taken[0]:
        if name not in known:
            found.append(_finding(name, Verdict.NOT_COMPARABLE, None, None, None, "no baseline of it", False))
            continue
        change = float(np.mean([one[name] for one in taken])) - math.log(known[name]["ratio"])
        one = Estimate(change, error, noise.freedom, 1.0)
        verdict = _verdict(one, one.p_above(0.0) < ALARM, replace(one, change=-change).p_above(0.0) < ALARM, MISS)
        found.append(_finding(name, verdict, change, (one.low(ALARM), one.high(MISS)), None, ELSEWHERE, False))
    return found


def _verdict(estimate: Estimate, slower: bool, faster: bool, miss: float) -> Verdict:
    if slower and estimate.change > MARGIN:
        return Verdict.REGRESSION
    if faster and estimate.change < -MARGIN:
        return Verdict.IMPROVEMENT
    return Verdict.PASS if estimate.high(miss) < MARGIN else Verdict.INCONCLUSIVE


def _finding(name: str, verdict: Verdict, change, bounds, detectable, reason: str, enforced: bool) -> Finding:
    subject, _, quantity = name.partition(": ")
    low, high = (None, None) if bounds is None else sorted(math.exp(bound) for bound in bounds)
    effect = None if change is None else math.exp(change)
    numbers = {"effect": effect, "low": low, "high": high, "detectable": detectable}
    return Finding("speed", subject, quantity, verdict, **numbers, reason=reason, enforced=enforced)


def _nothing(reason: str) -> Finding:
    return Finding("speed", "all", "time", Verdict.NOT_COMPARABLE, reason=reason, enforced=False)
