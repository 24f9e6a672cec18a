"""Recognisers compared on the same test images."""

from __future__ import annotations

import pytest

from benchmarks.report.frames import read
from benchmarks.report.frames.paired import holm, paired
from benchmarks.statistics import mcnemar
from tests.benchmarks import fake_run


def store(folder, variant: str, *predictions: str | None) -> None:
    for repetition, correct in enumerate(predictions):
        record = fake_run.quality(variant, repetition, npz=False)
        record["quality"]["recognition"]["correct"] = correct
        fake_run.write(folder, record)


def test_a_pair_s_p_value_is_mcnemar_s_for_one_seed(tmp_path):
    a, b = "1" * 90 + "0" * 10, "0" * 20 + "1" * 80
    store(tmp_path, "dbn", a)
    store(tmp_path, "sdae", b)
    row = paired(read(tmp_path)).squeeze()
    assert (row.variant_a, row.variant_b, row.n_seeds) == ("dbn", "sdae", 1)
    assert (row.only_a_right, row.only_b_right) == (20, 10)
    assert row.accuracy_difference == pytest.approx(0.1) and row.p_value == mcnemar(a, b)["p_value"]


def test_over_seeds_it_is_twice_the_median_and_images_are_not_counted_twice(tmp_path):
    a, b, same = "1" * 95 + "0" * 5, "0" * 8 + "1" * 92, "1" * 100
    store(tmp_path, "dbn", a, a, same)
    store(tmp_path, "sdae", b, b, same)
    row = paired(read(tmp_path)).squeeze()
    assert row.n_seeds == 3 and row.p_value == min(1, 2 * mcnemar(a, b)["p_value"])
    pooled = mcnemar(a + a + same, b + b + same)["p_value"]
    assert pooled < mcnemar(a, b)["p_value"] < row.p_value


def test_seeds_without_predictions_on_both_sides_are_left_out(tmp_path):
    store(tmp_path, "dbn", "1" * 10, None)
    store(tmp_path, "sdae", "1" * 10, "1" * 10)
    store(tmp_path, "end-to-end", None)
    table = paired(read(tmp_path))
    assert table.n_seeds.tolist() == [1] and table.variant_a.tolist() == ["dbn"]


def test_holm_multiplies_the_smallest_by_the_number_of_pairs_and_keeps_the_order():
    # Holm 1979: sorted 0.01, 0.03, 0.04 times 3, 2, 1, never below the one before
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1, 1] and holm([]) == []
