"""Numbers as titles and tables print them."""

from __future__ import annotations

import math

import pytest

from benchmarks.report.formats import DASH, number, plus_minus

MEASURED = {1.4: "1.40", 1.1512: "1.15", 2.2: "2.20", 0.53: "0.530", 7.0: "7.00", 24.0004: "24.0", 0.0000242: "2.42e-5"}
SHORT = [(4, "4"), (0.0, "0"), (2e11, "2e11"), (1.25e12, "1.25e12"), (237598.6, "237,599"), (99.96, "100")]


@pytest.mark.parametrize(("value", "text"), MEASURED.items())
def test_a_measured_number_keeps_three_significant_digits_closing_zeros_among_them(value, text):
    assert number(value) == text and number(-value) == f"-{text}"


@pytest.mark.parametrize(("value", "text"), SHORT)
def test_counts_and_large_numbers_have_no_closing_zeros(value, text):
    assert number(value) == text


def test_what_is_missing_is_a_dash():
    assert number(math.nan) == number(None) == DASH


@pytest.mark.parametrize("value", [0.515, 1.4, 24.9, 36.7, 112.4])
def test_a_number_alone_and_with_its_interval_has_the_same_digits(value):
    assert plus_minus(value, 0.25).split(" ± ")[0] == number(value)
