"""The two sides of a comparison: which part of them a stage compares, and subjects that only one side has."""

from __future__ import annotations

from benchmarks.gate.finding import Finding, Verdict
from benchmarks.gate.options import GateOptions

NEW, VANISHED, FAILED = "new", "vanished", "measurement"
MISSING = (NEW, VANISHED, FAILED)  # quantities of findings without two sides


def part(measured: dict[str, dict], stage: str) -> dict[str, dict]:
    """Subject -> the part of its measurement that a stage compares, or {"failed": one line}.

    measured: subject -> measurement.
    stage: "identity" or "counters".
    """
    return {subject: found if "failed" in found else found[stage] for subject, found in measured.items()}


def of_subjects(values: dict[str, dict], head: dict[str, dict], options: GateOptions) -> dict[str, dict]:
    """The values of a baseline that a gate compares: all, or those of the subjects that --paradigm selects."""
    return {name: value for name, value in values.items() if name in head} if options.paradigm else values


def one_sided(stage: str, subject: str, base: dict | None, head: dict | None) -> Finding | None:
    """The finding of a subject that is new, has vanished, or failed on a side; None where both sides have values."""
    if head is None:
        reason = "in the base and not in head: a blessing drops it"
        return Finding(stage, subject, VANISHED, Verdict.INCONCLUSIVE, reason=reason)
    if "failed" in head:
        return Finding(stage, subject, FAILED, Verdict.FAILED, reason=head["failed"])
    if base is None:
        return Finding(stage, subject, NEW, Verdict.PASS, reason="new: nothing to compare with; a blessing adds it")
    if "failed" in base:
        reason = f"the base could not be measured: {base['failed']}"
        return Finding(stage, subject, FAILED, Verdict.INCONCLUSIVE, reason=reason)
    return None
