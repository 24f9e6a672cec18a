"""Intervals against the textbook's tables, and which mean is the best with significance."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.report.frames.intervals import bounds, detectable, half_shown, half_width
from benchmarks.report.frames.significance import BEST, NEITHER, TIE, marks


def test_the_interval_is_student_s_and_needs_two_runs():
    # t(0.975) is 12.706, 4.303 and 2.776 at 1, 2 and 4 degrees of freedom in every printed table
    found = half_width([1.0, 1.0, 1.0, 1.0], [1, 2, 3, 5])
    assert math.isnan(found[0])
    assert found[1:] * np.sqrt([2, 3, 5]) == pytest.approx([12.706, 4.303, 2.776], abs=5e-4)


def test_the_interval_holds_the_true_mean_95_times_of_100():
    runs = np.random.default_rng(0).normal(7.0, 2.0, (20_000, 3))
    low, high = bounds(runs.mean(1), runs.std(1, ddof=1), 3)
    assert np.mean((low < 7) & (high > 7)) == pytest.approx(0.95, abs=0.006)  # 4 sd of a share of 20,000


def test_bounds_are_cut_where_the_quantity_ends():
    assert bounds(1.0, 5.0, 3, least=0)[0] == 0 and bounds(0.99, 0.1, 3, 0, 1)[1] == 1


def test_the_detectable_effect_is_the_one_of_the_published_power_tables():
    # Cohen 1988, table 2.4.1: two groups of 64 find d = 0.50, of 26 d = 0.80, at 5 % two-sided with power 0.80
    assert detectable(1.0, 64, 126) == pytest.approx(0.50, abs=0.005)
    assert detectable(1.0, 26, 50) == pytest.approx(0.80, abs=0.01)


def test_the_detectable_effect_is_found_80_times_of_100():
    n, rng = 5, np.random.default_rng(1)
    shift = detectable(0.1, n, 2 * n - 2)
    a, b = rng.normal(1, 0.1, (8000, n)), rng.normal(1 + shift, 0.1, (8000, n))
    found = np.mean(stats.ttest_ind(a, b, axis=1).pvalue < 0.05)
    assert found == pytest.approx(0.8, abs=0.018)  # 4 sd of a share of 8000


def test_nothing_is_detectable_where_nothing_is_known_and_noiseless_runs_show_everything():
    assert math.isnan(detectable(math.nan, 3, 19)) and math.isnan(detectable(0.1, 0, 19))
    assert detectable(0.0, 3, 19) == 0
    assert detectable(0.1, 1, 19) > detectable(0.1, 3, 19) > detectable(0.1, 10, 19)


def rows(*entries, mde=math.nan):
    return pd.DataFrame([dict(mean=m, low=m - h, high=m + h, mde=mde) for m, h in entries])


@pytest.mark.parametrize(
    ("entries", "mde", "expected"),
    [
        ([(1.0, 0.1), (2.0, 0.1), (3.0, 0.1)], math.nan, [BEST, NEITHER, NEITHER]),
        ([(1.0, 1.2), (2.0, 0.1), (3.0, 0.1)], math.nan, [TIE, TIE, NEITHER]),  # the best's interval holds the second
        ([(1.0, 0.1), (2.0, 1.2), (3.0, 0.1)], math.nan, [TIE, TIE, NEITHER]),  # the second's holds the best
        ([(1.0, 0.1), (2.0, 0.1), (3.0, 2.5)], math.nan, [TIE, NEITHER, TIE]),  # a noisy third may be better as well
        ([(1.0, 0.01), (1.05, 0.01), (3.0, 0.1)], 0.1, [TIE, TIE, NEITHER]),  # less than the detectable effect
        ([(1.0, 0.01), (1.05, 0.01), (3.0, 0.1)], 0.03, [BEST, NEITHER, NEITHER]),
        ([(1.0, 0.1)], math.nan, [NEITHER]),
        ([(1.0, math.nan), (2.0, math.nan)], 0.1, [NEITHER, NEITHER]),  # one seed: no interval, no winner
        ([(math.nan, math.nan), (2.0, 0.1), (3.0, 0.1)], math.nan, [NEITHER, BEST, NEITHER]),
    ],
)
def test_only_a_mean_that_noise_does_not_explain_is_the_best(entries, mde, expected):
    assert marks(rows(*entries, mde=mde), lowest=True).tolist() == expected


def test_for_an_accuracy_the_highest_is_the_best():
    assert marks(rows((0.9, 0.01), (0.99, 0.01)), lowest=False).tolist() == [NEITHER, BEST]


def test_a_bound_that_was_cut_does_not_narrow_what_is_shown():
    low, high = bounds([0.5, 0.95, 0.05], [0.1, 0.1, 0.1], 3, 0, 1)
    assert half_shown(np.array([0.5, 0.95, 0.05]), low, high) == pytest.approx(
        [4.303 * 0.1 / math.sqrt(3)] * 3, rel=1e-4
    )
