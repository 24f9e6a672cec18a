"""Paired ratios of FIDs: against scipy's t test, Holm's correction, the rule for the outcome, and bad declarations."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks.errors import BadInput
from benchmarks.plan import presets
from benchmarks.report.frames import read
from benchmarks.report.frames.looks import keys_of_preset
from benchmarks.report.frames.ratios import FACT, outcome, ratios, views
from benchmarks.report.tables import ratios as table
from tests.benchmarks import fake_run

PAIRS = """
pairs = [
    { a = "meanflow", b = "diffusion", nfe = 4, claim = "H1" },
    { a = "meanflow", b = "unrolled-k4", nfe = 1, nfe_b = "best", claim = "H2" },
    { a = "diffusion", b = "diffusion", nfe = 4, sampler_a = "euler", sampler_b = "ipndm" },
    { a = "meanflow", b = "never-run", nfe = 4 },
]
"""


@pytest.fixture
def folder(tmp_path):
    """Three seeds of three generators, in a folder with their preset's file."""
    fake_run.write_run(tmp_path, ("diffusion", "meanflow", "unrolled-k4"), npz=False)
    (tmp_path / "fake.toml").write_text(PAIRS)
    return tmp_path


def fids(frames, variant: str, sampler: str, nfe: int, column: str = "fid") -> np.ndarray:
    samples = frames.samples.set_index("repetition").sort_index()
    return samples[column][samples.variant.eq(variant) & samples.sampler.eq(sampler) & samples.nfe_asked.eq(nfe)]


def row_with(ratio=(0.5, 0.9), ratio2=(0.5, 0.9), holm=0.01, holm2=0.01) -> pd.Series:
    """A row with these intervals and corrected p values."""
    found = {"ratio_ci_low": ratio[0], "ratio_ci_high": ratio[1], "ratio_p_value_holm": holm}
    found |= {"ratio2_ci_low": ratio2[0], "ratio2_ci_high": ratio2[1], "ratio2_p_value_holm": holm2}
    return pd.Series(found)


def test_a_ratio_is_the_paired_t_test_of_the_logarithms(folder):
    frames = read(folder)
    row = ratios(frames).iloc[0]
    logs = [
        np.log(fids(frames, name, sampler, 4)) for name, sampler in (("meanflow", "default"), ("diffusion", "ipndm"))
    ]
    test = stats.ttest_rel(*logs)
    low, high = test.confidence_interval()
    assert (row.variant_a, row.sampler_b, row.nfe_b, row.n_seeds) == ("meanflow", "ipndm", 4, 3)
    assert row.ratio_p_value == pytest.approx(test.pvalue)
    expected = np.exp([np.mean(logs[0] - logs[1]), low, high])
    assert [row.ratio, row.ratio_ci_low, row.ratio_ci_high] == pytest.approx(expected)


def test_best_is_the_nfe_with_the_lowest_mean_and_a_pair_may_fix_its_samplers(folder):
    found = ratios(read(folder))
    assert list(found.claim) == ["H1", "H2", ""]  # the fourth pair has never been run
    assert found.nfe_b[1] == 4 and found.nfe_a[1] == 1
    assert list(found.loc[2, ["sampler_a", "sampler_b"]]) == ["euler", "ipndm"]


def test_best_is_chosen_on_the_validation_split_where_the_records_have_it(folder):
    for path in (folder / "cells").glob("unrolled-k4.*.s*.json"):
        record = json.loads(path.read_text())
        for entry in record["quality"]["samples"]:
            entry["validation_fid"] = 1.0 if entry["nfe_asked"] == 16 else 9.0
        path.write_text(json.dumps(record))
    assert ratios(read(folder)).nfe_b[1] == 16  # on the test split it is 4


def test_p_values_are_corrected_over_the_pairs_of_the_preset(folder):
    found = ratios(read(folder)).sort_values("ratio_p_value")
    corrected = np.maximum.accumulate(found.ratio_p_value * [3, 2, 1]).clip(upper=1)
    assert list(found.ratio_p_value_holm) == pytest.approx(list(corrected))


def test_seeds_that_only_one_of_two_variants_has_are_left_out(folder):
    fake_run.write(folder, fake_run.quality("meanflow", 3, npz=False))
    assert ratios(read(folder)).n_seeds[0] == 3


def test_one_seed_has_a_ratio_and_nothing_that_could_be_significant(tmp_path):
    fake_run.write_run(tmp_path, ("diffusion", "meanflow"), n_seeds=1, npz=False)
    (tmp_path / "fake.toml").write_text(PAIRS)
    row = ratios(read(tmp_path)).iloc[0]
    assert row.ratio > 0 and row.outcome == "undecided"
    assert row[["ratio_ci_low", "ratio_ci_high", "ratio_p_value", "ratio_p_value_holm"]].isna().all()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (row_with(), "lower"),
        (row_with(ratio=(1.1, 2), ratio2=(1.2, 3)), "higher"),
        (row_with(holm2=0.06), "suggestive"),
        (row_with(ratio2=(0.8, 1.2), holm2=1), "suggestive"),
        (row_with(ratio2=(1.1, 1.2)), "undecided"),
        (row_with(ratio=(0.9, 1.1), ratio2=(0.8, 1.2)), "undecided"),
        (row_with(ratio2=(np.nan, np.nan), holm2=np.nan), "suggestive"),
    ],
)
def test_an_order_is_settled_by_both_extractors_after_correction(row, expected):
    assert outcome(row) == expected


def row_by_three(*intervals) -> pd.Series:
    """A row with these intervals by the three networks; the third is missing with two."""
    found = {}
    for name, (low, high) in zip(("ratio", "ratio2", "ratio3"), [*intervals, (np.nan, np.nan)], strict=False):
        found |= {name: (low * high) ** 0.5, f"{name}_ci_low": low, f"{name}_ci_high": high}
    return pd.Series(found)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (row_by_three((0.5, 0.9), (0.2, 0.3), (0.8, 0.99)), FACT),
        (row_by_three((1.1, 2), (1.2, 3), (4, 5)), FACT),
        (row_by_three((0.5, 0.9), (0.8, 1.2), (0.8, 0.99)), "lower by the first, third; undecided by the second"),
        (row_by_three((0.5, 0.9), (0.2, 0.3), (1.1, 2)), "lower by the first, second; higher by the third"),
        (row_by_three(*[(0.5, 1.5)] * 3), "undecided by the first, second, third"),
        (row_by_three((0.5, 0.9), (0.2, 0.3)), None),
    ],
)
def test_an_order_is_a_fact_where_the_intervals_by_all_three_networks_exclude_1_on_one_side(row, expected):
    assert views(row) == expected


def test_the_third_view_is_paired_by_seed_where_records_have_it_and_leaves_no_trace_where_they_lack_it(folder):
    before = ratios(read(folder))
    assert before.views.isna().all() and before.ratio3.isna().all()
    assert not {"ratio 3", "views"} & {*table.sheets(None, before)[0].body}
    for path in (folder / "cells").glob("*.s*.json"):
        record = json.loads(path.read_text())
        for entry in record["quality"]["samples"]:
            entry["fid3_ratio"] = entry["fid_ratio"] ** 2
        path.write_text(json.dumps(record))
    after = ratios(read(folder))
    pd.testing.assert_frame_equal(before.loc[:, :"outcome"], after.loc[:, :"outcome"])
    assert list(after.ratio3) == pytest.approx(list(after.ratio**2)) and after.views.notna().all()
    (sheet,) = table.sheets(None, after)
    assert {"ratio 3", "views"} <= {*sheet.body} and "never trained" in sheet.notes[-1]


def test_the_sheet_has_one_line_per_pair_and_states_the_rule(folder):
    frames = read(folder)
    found = table.data(frames, None)
    (sheet,) = table.sheets(frames, found)
    assert len(sheet.body) == 3 and list(sheet.body["outcome"]) == list(found.outcome)
    assert "Holm" in sheet.notes[1] and sheet.body.ratio.str.contains(r" \(.* to .*\)").all()


def test_a_preset_like_another_inherits_its_pairs_unless_it_has_variants_of_its_own(folder):
    (folder / "other.toml").write_text('like = "fake"')
    assert len(keys_of_preset("other", folder)["pairs"]) == 4
    (folder / "other.toml").write_text('like = "fake"\n[variants.mine]\nparadigm = "meanflow"')
    assert "pairs" not in keys_of_preset("other", folder)
    assert presets.load("fashion").pairs == presets.load("mnist").pairs
    assert not presets.load("stepwise-trials").pairs


def test_no_declared_pair_is_no_table(tmp_path):
    fake_run.write_run(tmp_path, ("diffusion",), npz=False)
    assert table.data(read(tmp_path), None) is None


def test_what_is_no_pair_is_left_out_with_a_warning(folder):
    (folder / "fake.toml").write_text('pairs = [{ a = "meanflow", nfe = 4 }]')
    with pytest.warns(UserWarning, match="a pair of preset fake"):
        assert not read(folder).pairs


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ('{ a = "meanflow", b = "difusion", nfe = 4 }', ["pairs[0]", "b = 'difusion'", "did you mean 'diffusion'"]),
        ('{ a = "meanflow", b = "diffusion", nfe = 0 }', ["pairs[0].nfe = 0", "greater than 0", "'best'"]),
        ('{ a = "meanflow", b = "diffusion", nef = 4 }', ["pairs[0].nfe", "missing"]),
        ('{ a = "meanflow", b = "diffusion", nfe = 4, clam = "" }', ["'pairs[0].clam'", "did you mean 'claim'"]),
    ],
)
def test_a_preset_refuses_a_pair_that_is_none_in_one_line(pair, said):
    with pytest.raises(BadInput) as refused:
        presets.load("digits", [f"pairs=[{pair}]"])
    assert all(part in str(refused.value) for part in said) and "\n" not in str(refused.value)
