"""The quality stage on invented cells: verdicts, reasons, and how many seeds it spends."""

import numpy as np
import pytest

from benchmarks.gate import quality
from benchmarks.gate.finding import Verdict, exit_code
from benchmarks.gate.primaries import primary_tests, values
from benchmarks.plan import presets

DIGITS = presets.load("digits")
WANTED = primary_tests(DIGITS)
LOOKS = [3, 5, 10]
MEANS = {"accuracy": 0.97, "fid_ratio": 2.0, "fid2_ratio": 1.5}


def run(variant, seed, stream=0, factor=1.0, sd=0.05):
    """A finished cell with invented scores. stream: which noise. factor: on its FID ratios and its error rate."""
    rng = np.random.default_rng([WANTED.index(next(t for t in WANTED if t.variant == variant)), seed, stream])
    entries = {}
    for test in WANTED:
        if test.variant == variant and test.column != "accuracy":
            entry = entries.setdefault(
                (test.sampler, test.nfe), {"sampler": test.sampler or "s", "nfe_asked": test.nfe}
            )
            entry[test.column] = MEANS[test.column] * factor * float(np.exp(sd * rng.standard_normal()))
    accuracy = 1 - (1 - MEANS["accuracy"]) * factor + 0.002 * rng.standard_normal()
    ended = {"status": "done", "reason": None, "train_code": "c0de"}
    return {"variant": variant, "repetition": seed, "accuracy": accuracy, "samples": list(entries.values()), **ended}


def measure(worse="", spent=None, **kind):
    def cells(names, seeds):
        if spent is not None:
            spent.append((list(names), seeds))
        change = {name: kind.get("factor", 1.0) if name == worse else 1.0 for name in names}
        more = {key: value for key, value in kind.items() if key != "factor"}
        return [run(name, seed, factor=change[name], **more) for name in names for seed in range(seeds)]

    return cells


VARIANTS = list(DIGITS.variants)
BASE = values(WANTED, measure()(VARIANTS, 20))


def test_equal_cells_pass_at_the_first_look():
    spent = []
    findings = quality.compare(WANTED, BASE, LOOKS, measure(spent=spent))
    assert {finding.verdict for finding in findings} == {Verdict.PASS}
    assert len(findings) == len(WANTED)
    assert [seeds for _, seeds in spent] == [3]


def test_the_smallest_detectable_effect_is_that_of_the_last_look_on_both_kinds_of_base():
    committed = quality.compare(WANTED, BASE, LOOKS, measure())
    revision = quality.compare(WANTED, {}, LOOKS, measure(), measure())
    for finding in (*committed, *revision):
        most = 1.5 if finding.quantity == "accuracy" else 0.3
        assert 0 < finding.detectable < most


@pytest.mark.parametrize("worse", ["diffusion", "dbn"])
def test_a_variant_that_is_half_worse_is_a_regression_and_alone_one(worse):
    findings = quality.compare(WANTED, BASE, LOOKS, measure(worse, factor=1.6, stream=1))
    assert exit_code(findings) == 1
    regressed = {finding.subject for finding in findings if finding.verdict == Verdict.REGRESSION}
    assert regressed == {worse}


def test_a_variant_that_is_much_better_asks_for_a_blessing():
    findings = quality.compare(WANTED, BASE, LOOKS, measure("diffusion", factor=0.5, stream=1))
    better = [finding for finding in findings if finding.verdict == Verdict.IMPROVEMENT]
    assert {finding.subject for finding in better} == {"diffusion"}
    assert exit_code(findings) == 3
    assert all("bless" in finding.reason for finding in better)


def test_an_open_test_names_the_seeds_that_would_decide_it_and_only_its_variant_gets_more():
    spent = []
    noisy = values(WANTED, measure(sd=0.3)(VARIANTS, 20))
    findings = quality.compare(WANTED, noisy, LOOKS, measure("unrolled-k1", spent, factor=1.12, stream=1, sd=0.3))
    left = [finding for finding in findings if finding.verdict == Verdict.INCONCLUSIVE]
    assert left
    assert all("would decide it" in one.reason or "too small to decide" in one.reason for one in left)
    assert spent[-1][1] == 10
    assert set(spent[-1][0]) <= set(spent[0][0]) - {"end-to-end", "sdae"}


def test_bounds_of_a_ratio_enclose_its_effect_and_accuracy_is_told_in_points():
    findings = quality.compare(WANTED, BASE, LOOKS, measure("dbn", factor=1.6, stream=1))
    for finding in findings:
        assert finding.low <= finding.effect <= finding.high
    accuracy = next(f for f in findings if f.subject == "dbn" and f.quantity == "accuracy")
    assert accuracy.effect == pytest.approx(-1.8, abs=0.5)  # 3 % errors became 4.8 %


def test_a_failed_cell_of_head_is_told_with_its_reason():
    def failing(names, seeds):
        cells = measure()(names, seeds)
        broken = {"status": "non_finite", "reason": "NonFinite: loss", "samples": [], "accuracy": None}
        return [cell | (broken if cell["variant"] == "meanflow" else {}) for cell in cells]

    findings = quality.compare(WANTED, BASE, LOOKS, failing)
    failed = [finding for finding in findings if finding.verdict == Verdict.FAILED]
    assert {finding.subject for finding in failed} == {"meanflow"}
    assert "non_finite: NonFinite: loss" in failed[0].reason
    assert exit_code(findings) == 1


def test_a_value_that_became_a_dash_fails():
    def dashed(names, seeds):
        return [cell | {"accuracy": None} for cell in measure()(names, seeds)]

    findings = quality.compare(WANTED, BASE, LOOKS, dashed)
    assert {f.quantity for f in findings if f.verdict == Verdict.FAILED} == {"accuracy"}


def test_without_a_baseline_nothing_is_measured():
    spent = []
    findings = quality.compare(WANTED, {}, LOOKS, measure(spent=spent))
    assert {finding.verdict for finding in findings} == {Verdict.NOT_COMPARABLE}
    assert exit_code(findings) == 4
    assert not spent


def test_a_new_variant_is_not_comparable_and_the_others_are_gated():
    known = {key: there for key, there in BASE.items() if not key.startswith("meanflow")}
    findings = quality.compare(WANTED, known, LOOKS, measure())
    assert {f.subject for f in findings if f.verdict == Verdict.NOT_COMPARABLE} == {"meanflow"}
    assert exit_code(findings) == 0


def test_a_base_revision_is_measured_at_the_same_seeds():
    base, head = [], []
    findings = quality.compare(WANTED, BASE, LOOKS, measure(spent=head, stream=1), measure(spent=base, stream=1))
    assert base == head
    assert exit_code(findings) == 0


def test_a_variant_that_the_base_revision_lacks_is_not_comparable():
    def older(names, seeds):
        return measure()([name for name in names if name != "sdae"], seeds)

    findings = quality.compare(WANTED, {}, LOOKS, measure(), older)
    assert {f.subject for f in findings if f.verdict == Verdict.NOT_COMPARABLE} == {"sdae"}
    assert exit_code(findings) == 0


def test_fewer_seeds_than_the_first_look_are_one_look():
    assert quality.looks_of(DIGITS, 10) == [3, 5, 10]
    assert quality.looks_of(DIGITS, 6) == [3, 5]
    assert quality.looks_of(DIGITS, 2) == [2]
