"""One comparison of a gate, and the exit code that all of them together give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a comparison of head with base found.

    PASS: equal, or inside the margin.
    REGRESSION: worse beyond the margin; a counter that became larger.
    IMPROVEMENT: better beyond the margin; passes only after a blessing, which moves the baseline.
    INCONCLUSIVE: the noise leaves it open.
    NOT_COMPARABLE: the base was measured on another machine class or other versions; decides nothing.
    FAILED: nothing could be measured on head, such as a cell that ended with a reason.
    """

    PASS = "pass"
    REGRESSION = "regression"
    IMPROVEMENT = "improvement"
    INCONCLUSIVE = "inconclusive"
    NOT_COMPARABLE = "not comparable"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One comparison.

    stage: "identity", "counters", "quality" or "speed".
    subject: what is compared, such as a variant.
    quantity: of the subject, such as "training loss" or "FID ratio at 4 NFE".
    verdict: what was found.
    base, head: the two values in words or numbers; None where there is none.
    effect: head over base where that is a ratio, or their difference in the quantity's unit; None for equalities.
    low, high: ends of the interval of the effect; None without one.
    detectable: smallest effect that this comparison would have found with power 0.8; None for equalities.
    seeds: training seeds of head that were measured; None for equalities.
    reason: one sentence for a reader: the cause, or what would decide.
    enforced: whether its verdict counts for the exit code; a speed on a shared machine is only reported.
    """

    stage: str
    subject: str
    quantity: str
    verdict: Verdict
    base: object = None
    head: object = None
    effect: float | None = None
    low: float | None = None
    high: float | None = None
    detectable: float | None = None
    seeds: int | None = None
    reason: str = ""
    enforced: bool = True


PASSED, REGRESSED, USAGE, UNDECIDED, NOTHING_MEASURED = 0, 1, 2, 3, 4


def exit_code(findings: Sequence[Finding]) -> int:
    """0 pass, 1 regression, 3 inconclusive or in need of a blessing, 4 nothing was measured.

    A subject that failed on head counts as a regression as long as something else was measured. Findings that are not
    comparable or not enforced decide nothing; where there are no others, nothing was measured.
    """
    verdicts = {finding.verdict for finding in findings if finding.enforced} - {Verdict.NOT_COMPARABLE}
    if not verdicts or verdicts == {Verdict.FAILED}:
        return NOTHING_MEASURED
    if verdicts & {Verdict.REGRESSION, Verdict.FAILED}:
        return REGRESSED
    return UNDECIDED if verdicts & {Verdict.INCONCLUSIVE, Verdict.IMPROVEMENT} else PASSED
