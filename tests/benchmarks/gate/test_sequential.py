"""The statistics of the quality gate, against closed forms and simulation."""

import numpy as np
import pytest
from scipy import stats

from benchmarks.gate import sequential
from benchmarks.gate.sequential import Estimate, Noise

LOOKS = [3, 5, 10]


def columns(rng, n, shift=0.0, sd=0.1):
    return {seed: float(value) for seed, value in enumerate(shift + sd * rng.standard_normal(n))}


def test_the_unpaired_estimate_is_the_two_sample_t_test():
    rng = np.random.default_rng(1)
    head, base = columns(rng, 10, 0.1), {100 + seed: value for seed, value in columns(rng, 20).items()}
    (estimate,) = sequential.change(head, base).estimates
    expected = stats.ttest_ind(list(head.values()), list(base.values()), alternative="greater")
    assert estimate.p_above(0.0) * estimate.share == pytest.approx(expected.pvalue)


def test_the_paired_estimate_is_the_t_test_of_the_differences():
    rng = np.random.default_rng(1)
    head, base = columns(rng, 5, 0.1), columns(rng, 20)
    _, paired = sequential.change(head, base).estimates
    expected = stats.ttest_rel(list(head.values()), [base[seed] for seed in head], alternative="greater")
    assert paired.p_above(0.0) * paired.share == pytest.approx(expected.pvalue)


def test_bounds_and_p_values_are_of_one_test():
    estimate = Estimate(change=0.2, error=0.05, freedom=12, share=0.8)
    assert estimate.p_above(estimate.low(0.01)) == pytest.approx(0.01)
    assert estimate.high(0.01) - estimate.change == pytest.approx(estimate.change - estimate.low(0.01))


def test_equal_values_at_equal_seeds_leave_no_uncertainty():
    base = columns(np.random.default_rng(2), 20)
    change = sequential.change({seed: base[seed] for seed in range(3)}, base)
    assert change.low(0.001) == change.high(0.001) == 0
    assert change.p_worse() > 0.1 < change.p_better()


def test_committed_noise_narrows_an_interval_of_few_seeds():
    rng = np.random.default_rng(3)
    head, base = columns(rng, 3), columns(rng, 3)
    known = Noise.of(list(columns(rng, 20).values()))
    assert sequential.change(head, base, known).high(0.01) < sequential.change(head, base).high(0.01)


def test_the_looks_spend_the_error_probability_and_no_more():
    assert sum(sequential.spent(0.01, LOOKS, look) for look in range(3)) == pytest.approx(0.01)


def test_holm_rejects_as_in_the_worked_example():
    # 0.01 <= 0.05 / 3 and 0.02 <= 0.05 / 2, but 0.06 > 0.05.
    assert sequential.rejected({"a": 0.02, "b": 0.06, "c": 0.01}, 0.05) == {"a", "c"}
    assert sequential.rejected({"a": 0.02, "b": 0.06, "c": 0.03}, 0.05) == set()


def test_the_detectable_change_is_found_four_times_in_five():
    rng, level, sd = np.random.default_rng(4), 0.001, 0.1
    shift = sequential.detectable(Noise(sd, 19), 10, 20, level)
    found = 0
    for _ in range(1000):
        base = {100 + seed: value for seed, value in columns(rng, 20, sd=sd).items()}
        found += sequential.change(columns(rng, 10, shift, sd), base).p_worse() <= level
    assert found / 1000 == pytest.approx(0.8, abs=0.05)  # four standard errors


def test_the_seeds_to_decide_shrink_the_interval_to_the_margin():
    noise = Noise(0.1, 19)
    n = sequential.seeds_to_decide(0.05, 0.14, noise, 20, 0.001)
    bound = Estimate(0.05, 0.1 * (1 / n + 1 / 20) ** 0.5, 19, sequential.SHARES["unpaired"]).high(sequential.MISS)
    fewer = Estimate(0.05, 0.1 * (1 / (n - 1) + 1 / 20) ** 0.5, 19, sequential.SHARES["unpaired"]).high(sequential.MISS)
    assert bound < 0.14 < fewer


def test_no_number_of_seeds_decides_against_a_baseline_that_is_too_small():
    assert sequential.seeds_to_decide(0.139, 0.14, Noise(0.1, 19), 20, 0.001) is None


def test_noise_of_one_seed_is_refused():
    with pytest.raises(ValueError, match="two training seeds"):
        Noise.of([1.0])
