"""Counters are compared by equality, and the direction of a change is its verdict."""

from benchmarks.gate import counters
from benchmarks.gate.finding import Verdict
from tests.benchmarks.gate.conftest import measured

BASE = {"v": measured()["counters"]}


def compared(same_machine=True, **changes):
    """Quantity -> finding of a head with some changed counters."""
    found = counters.compare(BASE, {"v": BASE["v"] | changes}, same_machine)
    return {finding.quantity: finding for finding in found}


def test_equal_counters_are_one_finding():
    found = compared()
    assert found["3 counters"].verdict is Verdict.PASS
    assert found["update of stage 'flow': peak bytes"].verdict is Verdict.NOT_COMPARABLE


def test_larger_is_a_regression_and_smaller_an_improvement():
    found = compared(parameters=11, **{"update of stage 'flow': FLOPs": 900})
    assert found["parameters"].verdict is Verdict.REGRESSION and found["parameters"].reason.startswith("+10 %")
    less = found["update of stage 'flow': FLOPs"]
    assert less.verdict is Verdict.IMPROVEMENT and less.effect == 0.9


def test_a_counter_that_was_zero_has_a_difference_and_no_ratio():
    (found,) = counters.compare({"v": {"bytes kept": 0}}, {"v": {"bytes kept": 8}})
    assert (found.verdict, found.effect, found.reason) == (Verdict.REGRESSION, None, "+8: larger")


def test_on_another_machine_class_only_portable_counters_are_compared():
    found = compared(False, parameters=11, **{"update of stage 'flow': operations": 99})
    assert found["parameters"].verdict is Verdict.REGRESSION
    assert "update of stage 'flow': operations" not in found
    assert found["2 counters"].verdict is Verdict.NOT_COMPARABLE and found["1 counters"].verdict is Verdict.PASS


def test_a_counter_of_one_side_only_asks_for_a_decision():
    found = compared(**{"update of stage 'new': FLOPs": 5})
    assert found["update of stage 'new': FLOPs"].verdict is Verdict.INCONCLUSIVE
