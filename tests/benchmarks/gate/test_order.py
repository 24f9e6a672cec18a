"""The order of the stages: what ends a gate early, and which variants the quality stage gets."""

import sys
from types import SimpleNamespace

import pytest

from benchmarks.gate import quality, run
from benchmarks.gate.finding import Finding, Verdict
from benchmarks.gate.options import STAGES
from tests.benchmarks.gate.conftest import HEAVIER, PRESET, RELABELLED, measured


@pytest.fixture
def asked(monkeypatch):
    """Stage -> the variants that it was called with; quality passes, speed finds a regression that is only reported."""
    calls = {}

    def stage(name, verdict, enforced=True):
        def found(preset, tree, baseline, options):
            calls[name] = options.paradigm
            return [Finding(name, variant, "x", verdict, enforced=enforced) for variant in options.paradigm or ["b"]]

        monkeypatch.setitem(sys.modules, f"benchmarks.gate.{name}", SimpleNamespace(stage=found))

    stage("quality", Verdict.PASS)
    stage("speed", Verdict.REGRESSION, enforced=False)
    monkeypatch.setattr(run, "available", lambda: list(STAGES))
    return calls


def test_equal_identity_trains_nothing_and_speed_still_runs(blessed, asked):
    code, out, _ = blessed("gate tiny.toml")
    assert (code, set(asked)) == (0, {"speed"}) and f"- quality: {run.UNCHANGED}." in out


def test_quality_decides_the_variants_whose_identity_differs_and_only_these(blessed, asked, trees):
    trees["head"]["b"] = RELABELLED
    code, out, _ = blessed("gate tiny.toml")
    assert (code, asked["quality"]) == (0, ("b",))
    cause = out.splitlines()[2]
    assert cause.startswith("**b**: the training labels differ") and cause.endswith("Its quality is inside the margin.")


def test_a_difference_that_quality_knows_nothing_of_stays_inconclusive(blessed, asked, trees, monkeypatch):
    def unknown(*_):
        return [Finding("quality", "b", "x", Verdict.NOT_COMPARABLE, reason="no baseline of quality yet")]

    monkeypatch.setitem(sys.modules, "benchmarks.gate.quality", SimpleNamespace(stage=unknown))
    trees["head"]["b"] = RELABELLED
    assert blessed("gate tiny.toml")[0] == 3


def test_quality_does_not_judge_the_scoring_that_it_is_measured_by(blessed, asked, trees):
    trees["head"]["b"] = measured(identity__scores={"exact": "j", "samples / euler at 1 NFE / fid": 3.0})
    code, out, _ = blessed("gate tiny.toml")
    assert (code, set(asked)) == (3, {"speed"}) and f"- quality: {run.RESCORED}." in out


def test_a_change_of_scores_by_fewer_operations_is_one_of_sampling(blessed, asked, trees):
    trees["head"]["b"] = measured(identity__scores={"exact": "j"}, counters__parameters=9)
    assert (blessed("gate tiny.toml")[0], asked["quality"]) == (3, ("b",))


def test_an_error_that_becomes_a_number_is_not_cleared_by_quality(blessed, asked, trees):
    trees["head"]["b"] = measured(identity__broken={"training": "no error"})
    trees["head"]["a"] = RELABELLED
    assert (blessed("gate tiny.toml")[0], asked["quality"]) == (3, ("a",))


def test_a_larger_counter_ends_the_gate_before_anything_is_trained(blessed, asked, trees):
    trees["head"] = {"a": measured(), "b": HEAVIER}
    code, out, _ = blessed("gate tiny.toml")
    assert (code, asked) == (1, {}) and "- speed: the gate ended with counters: b, parameters." in out


def test_a_stage_blesses_by_itself_with_what_it_replaces(blessed, monkeypatch, repository):
    seen = []

    def bless(preset, tree, options, old):
        seen.append(old)
        return {"noise": {}, "values": {"b accuracy": {"0": float(len(seen))}}}

    monkeypatch.setitem(sys.modules, "benchmarks.gate.quality", SimpleNamespace(bless=bless))
    monkeypatch.setattr(run, "available", lambda: list(STAGES))
    for _ in range(2):
        assert blessed("bless quality tiny.toml --reason seeds")[0] == 0
    assert seen[0] is None and seen[1]["values"] == {"b accuracy": {"0": 1.0}}


@pytest.fixture
def reduced(blessed, monkeypatch, repository, trees):
    """`blessed` with a reduced preset and a change of variant b; the reduced quality finds what `found` holds."""
    gate = '[gate]\nreduced = "small.toml"\nprimaries = [{ variant = "a", column = "fid_ratio" }]\n'
    (repository / "small.toml").write_text(PRESET)
    (repository / "tiny.toml").write_text(PRESET + gate)
    (repository / "results" / "baseline" / "small").mkdir()
    (repository / "results" / "baseline" / "small" / "quality.json").write_text(
        '{"schema": 1, "reason": "", "commit": "", "date": "", "machine": {}, "noise": {}, "values": {}}'
    )
    trees["head"]["b"] = RELABELLED
    found = {}

    def stage(preset, tree, known, options):
        assert (preset, options.paradigm) == ("small.toml", ("b",))
        return [Finding("quality", "b", "x", found["verdict"], reason="measured")]

    monkeypatch.setattr(quality, "stage", stage)
    return blessed, found


def test_a_regression_of_the_reduced_preset_ends_the_gate_before_the_full_one(reduced, asked):
    gate, found = reduced
    found["verdict"] = Verdict.REGRESSION
    code, out, _ = gate("gate tiny.toml")
    assert (code, asked) == (1, {})
    assert "x (preset small)" in out and "- quality: the gate ended with b, x (preset small)." in out


@pytest.mark.parametrize("verdict", [Verdict.PASS, Verdict.INCONCLUSIVE, Verdict.IMPROVEMENT])
def test_any_other_verdict_of_the_reduced_preset_leaves_the_decision_to_the_full_one(reduced, asked, verdict):
    gate, found = reduced
    found["verdict"] = verdict
    assert (gate("gate tiny.toml")[0], asked["quality"]) == (0, ("b",))


def test_a_reduced_preset_without_baseline_is_named_and_decides_nothing(reduced, asked, repository):
    gate, _ = reduced
    (repository / "results" / "baseline" / "small" / "quality.json").unlink()
    code, out, _ = gate("gate tiny.toml")
    assert code == 0 and "bless quality small.toml" in out
