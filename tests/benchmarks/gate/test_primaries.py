"""From a preset and records to the values that the quality gate tests."""

import math

import pytest

from benchmarks.gate.primaries import primary_tests
from benchmarks.plan import presets, selection

RUN = {
    "accuracy": 0.9,
    "samples": [
        {"sampler": "euler", "nfe_asked": 4, "fid_ratio": 4.0, "fid2_ratio": 3.0},
        {"sampler": "euler", "nfe_asked": 2, "fid_ratio": 5.0, "fid2_ratio": None},
        {"sampler": "ipndm", "nfe_asked": 4, "fid_ratio": 6.0, "fid2_ratio": 2.0},
    ],
}


def of(*primaries):
    listed = ", ".join(f"{{ variant = '{variant}', column = '{column}'{more} }}" for variant, column, more in primaries)
    return primary_tests(presets.load("digits", [f"gate.primaries=[{listed}]"]))


def test_an_fid_ratio_is_tested_by_both_scoring_networks():
    found = [test for test in of(("diffusion", "fid_ratio", ", nfe = 4, sampler = 'ipndm'")) if test.nfe == 4]
    assert [test.measured(RUN) for test in found] == [6.0, 2.0]
    assert [test.key for test in found] == ["diffusion fid_ratio@4 ipndm", "diffusion fid2_ratio@4 ipndm"]


def test_without_sampler_and_nfe_it_is_the_first_sampler_at_its_smallest():
    first, second = [test for test in of(("diffusion", "fid_ratio", "")) if test.variant == "diffusion"]
    assert first.measured(RUN) == 5.0
    assert second.measured(RUN) is None


def test_lower_is_better_on_every_scale_of_a_test():
    for test in primary_tests(presets.load("digits")):
        better, worse = (0.95, 0.9) if test.column == "accuracy" else (1.5, 2.0)
        assert test.scaled(better) < test.scaled(worse)
        assert test.unscaled(test.scaled(better)) == pytest.approx(better)


def test_a_margin_of_a_primary_replaces_that_of_the_table():
    margins = {test.key: test.margin for test in primary_tests(presets.load("digits"))}
    assert margins["diffusion-unrolled-k4 fid_ratio@4"] == pytest.approx(math.log(1.3))
    assert margins["meanflow fid_ratio@1"] == pytest.approx(math.log(1.15))
    assert margins["dbn accuracy"] == 1.0


def test_a_preset_without_a_table_has_one_default_primary_per_variant():
    found = primary_tests(presets.load("smoke"))
    preset = presets.load("smoke")
    assert {test.variant for test in found} == {name for name, v in preset.variants.items() if not v.only_start}
    assert {test.column for test in found if test.variant == "sdae"} == {"accuracy"}
    assert {test.column for test in found if test.variant == "drifting"} == {"fid_ratio", "fid2_ratio"}


def test_a_variant_that_the_command_adds_gets_a_default_primary():
    preset = selection.selected(presets.load("digits"), ["drifting", "dbn"])
    assert {test.variant for test in primary_tests(preset)} == {"drifting", "dbn"}
