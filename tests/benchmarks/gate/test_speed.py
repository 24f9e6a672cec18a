"""Decisions of the speed stage on invented launches, and one real launch of two equal trees."""

import math

import numpy as np
import pytest

from benchmarks.errors import BadInput
from benchmarks.gate import speed, turns
from benchmarks.gate.finding import Verdict, exit_code
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.plan import presets, selection
from tests import ROOT

NAMES = [f"{variant}: update" for variant in "abcdefgh"]
LOOKS = speed.LOOKS["enforce"]


def launches(n, slow=0.0, sd=0.005, same=0.0, seed=0):
    """Launches of which quantity "a: update" is slower by `slow`, on the log scale."""
    rng = np.random.default_rng(seed)
    return [
        turns.Launch(
            {name: slow * (name == NAMES[0]) + sd * float(rng.standard_normal()) for name in NAMES},
            {name: same + sd * float(rng.standard_normal()) for name in NAMES},
        )
        for _ in range(n)
    ]


def verdicts(found):
    return {finding.subject: finding.verdict for finding in found}


def test_equal_trees_pass():
    found = speed.compare(launches(4), 1, LOOKS, enforce=True)
    assert set(verdicts(found).values()) == {Verdict.PASS}
    assert exit_code(found) == 0


def test_a_slowdown_of_a_twentieth_is_a_regression_of_the_one_quantity():
    found = speed.compare(launches(4, slow=0.05), 1, LOOKS, enforce=True)
    assert {name for name, verdict in verdicts(found).items() if verdict == Verdict.REGRESSION} == {"a"}
    assert exit_code(found) == 1


def test_a_faster_head_is_an_improvement():
    assert verdicts(speed.compare(launches(4, slow=-0.1), 1, LOOKS, enforce=True))["a"] == Verdict.IMPROVEMENT


def test_without_enforcement_a_slowdown_is_told_and_decides_nothing():
    found = speed.compare(launches(2, slow=0.1), 0, speed.LOOKS["report"], enforce=False)
    assert verdicts(found)["a"] == Verdict.REGRESSION
    assert not any(finding.enforced for finding in found)
    assert exit_code(found) == 4


def test_a_base_that_contradicts_itself_decides_nothing():
    found = speed.compare(launches(4, slow=0.1, same=0.06), 1, LOOKS, enforce=True)
    assert not any(finding.enforced for finding in found)
    assert "A/A ratio 1.06" in found[0].reason


def test_on_a_noisy_machine_the_same_slowdown_is_open():
    assert verdicts(speed.compare(launches(4, slow=0.05, sd=0.2), 1, LOOKS, enforce=True))["a"] == Verdict.INCONCLUSIVE


def test_a_slowdown_is_a_regression_only_if_new_processes_show_it():
    found = speed.compare(launches(4, slow=0.05), 1, LOOKS, enforce=True)
    assert verdicts(speed.confirmed(found, launches(2, slow=0.05, seed=1)))["a"] == Verdict.REGRESSION
    again = speed.confirmed(found, launches(2, seed=1))
    assert verdicts(again)["a"] == Verdict.INCONCLUSIVE
    assert "not confirmed" in again[0].reason


def test_against_a_baseline_of_another_job_nothing_is_enforced():
    rng = np.random.default_rng(0)
    taken = [{name: 0.1 + 0.001 * float(rng.standard_normal()) for name in NAMES} for _ in range(3)]
    known = {name: {"ratio": 1.0} for name in NAMES[1:]}
    found = speed.against_baseline(taken, known)
    assert verdicts(found) == {"a": Verdict.NOT_COMPARABLE} | dict.fromkeys("bcdefgh", Verdict.REGRESSION)
    assert not any(finding.enforced for finding in found)


def test_a_baseline_from_a_machine_that_drifts_is_refused():
    steady = [{name: 0.0 for name in NAMES} for _ in range(10)]
    assert speed.candidate(steady)["values"][NAMES[0]] == {"ratio": 1.0}
    drifting = [{name: 0.02 * launch for name in NAMES} for launch in range(10)]
    with pytest.raises(BadInput, match="second half of the launches took"):
        speed.candidate(drifting)


def test_two_equal_trees_are_timed_in_turns_by_fresh_processes(tmp_path):
    options = GateOptions(tmp_path, paradigm=("sdae",))
    preset = selection.selected(presets.load("digits"), options.paradigm)
    (launch,) = turns.launches("digits", preset, Tree(ROOT, ROOT), options, 1)
    assert set(launch.ratio) == {"sdae: update of stage 'chain'", "sdae: 64 samples at 1 NFE, default"}
    assert all(math.isfinite(value) for value in (*launch.ratio.values(), *launch.same.values()))


def test_a_tree_that_cannot_be_timed_is_one_line(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").write_text("raise RuntimeError('half a merge')")
    preset = presets.load("digits")
    with (
        turns.Timer("digits", preset, tmp_path, Tree(ROOT, tmp_path), GateOptions(tmp_path)) as timer,
        pytest.raises(BadInput, match="RuntimeError: half a merge"),
    ):
        timer.ask("launch")
