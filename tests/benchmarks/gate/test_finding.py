"""Verdicts of a gate and its exit code."""

import pytest

from benchmarks.gate.finding import Finding, Verdict, exit_code

PASS, REGRESSION, FAILED = Verdict.PASS, Verdict.REGRESSION, Verdict.FAILED


def found(*verdicts, enforced=True):
    return [Finding("counters", "diffusion", "FLOPs", verdict, enforced=enforced) for verdict in verdicts]


@pytest.mark.parametrize(
    ("findings", "code"),
    [
        (found(PASS, PASS), 0),
        (found(PASS, REGRESSION, Verdict.INCONCLUSIVE), 1),
        (found(PASS, FAILED), 1),
        (found(PASS, Verdict.INCONCLUSIVE), 3),
        (found(PASS, Verdict.IMPROVEMENT), 3),
        (found(PASS, Verdict.NOT_COMPARABLE), 0),
        (found(PASS) + found(REGRESSION, enforced=False), 0),
        ([], 4),
        (found(FAILED, FAILED), 4),
        (found(Verdict.NOT_COMPARABLE), 4),
        (found(PASS, enforced=False), 4),
    ],
)
def test_the_exit_code_is_0_only_where_something_was_measured_and_everything_passed(findings, code):
    assert exit_code(findings) == code
