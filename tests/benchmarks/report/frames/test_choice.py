"""NFE and sampler are chosen on the validation split; where records lack it, the report says among how many looks."""

from __future__ import annotations

import pytest

from benchmarks import report
from benchmarks.report.frames import read
from benchmarks.report.frames.choice import best, explained, on_validation
from benchmarks.report.frames.comparison import comparison
from benchmarks.report.tables import samples_at_best
from tests.benchmarks import fake_run
from tests.benchmarks.report.tables.test_tables import NO_STUDY, scored, tabulated

# NFE -> FID ratio on the test split, FID on the validation split
LOOKS = {1: (9.0, 80.0), 4: (2.0, 30.0), 8: (2.2, 20.0)}


def store(folder, validated: bool = True, variant: str = "meanflow"):
    record = scored(0, 20.0, variant)
    (entry,) = record["quality"]["samples"]
    record["quality"]["samples"] = [
        entry
        | {"nfe_asked": nfe, "nfe": float(nfe), "fid": 10 * ratio, "fid_ratio": ratio}
        | ({"validation_fid": validation} if validated else {})
        for nfe, (ratio, validation) in LOOKS.items()
    ]
    fake_run.write(folder, record)


def rows_of(folder):
    return comparison(read(folder), NO_STUDY)


def test_the_nfe_is_chosen_on_the_validation_split_and_the_test_value_is_shown(tmp_path):
    store(tmp_path)
    rows = rows_of(tmp_path)
    assert (best(rows).nfe, best(rows).fid_ratio) == (8, 2.2) and on_validation(rows)
    assert "chosen by the lowest mean FID to the validation split" in explained(rows)
    assert "2.20 @ 8 default" in report.summary(rows)
    (sheet,) = samples_at_best.sheets(read(tmp_path), rows)
    assert sheet.body.NFE.tolist() == ["8"] and sheet.body["chosen among"].tolist() == ["3"]


def test_without_it_the_choice_is_said_to_be_by_the_same_numbers_and_among_how_many(tmp_path):
    store(tmp_path, validated=False)
    store(tmp_path, variant="unrolled-k1")
    rows = rows_of(tmp_path)
    old = rows[rows.variant == "meanflow"]
    assert best(old).nfe == 4 and not on_validation(old)
    assert "NFE and sampler of meanflow are chosen by the lowest mean FID ratio on the test split" in explained(rows)
    tabulated(tmp_path)
    text = (tmp_path / "tables" / "comparison.md").read_text()
    assert "chosen among" in text and explained(rows) in text
    assert "among" in report.summary(rows).splitlines()[0]


@pytest.mark.parametrize("lost", [0, 2])
def test_a_variant_of_which_one_entry_lacks_it_is_chosen_as_if_all_did(tmp_path, lost):
    store(tmp_path)
    rows = rows_of(tmp_path)
    rows.loc[lost, "validation_fid"] = float("nan")
    assert best(rows).nfe == 4
