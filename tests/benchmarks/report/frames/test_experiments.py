"""Which records are averaged: those of equal settings, code, precision and scoring networks alone."""

from __future__ import annotations

import pandas as pd
import pytest

from benchmarks.report.frames import read
from benchmarks.report.frames.chains import chains
from benchmarks.report.frames.comparison import comparison
from tests.benchmarks import fake_run
from tests.benchmarks.report.tables.test_tables import NO_STUDY, tabulated


def rescored(record: dict, name: str = "fid_extractor") -> dict:
    for entry in record["quality"]["samples"]:
        entry[name] = "another-network-00000000"
    return record


def charged(record: dict) -> dict:
    record["training"]["charged"] = "whole updates, begin and observe"
    return record


def with_setting(record: dict, **changes) -> dict:
    record["cell"] |= changes
    return record


def fill(folder, change, n: int = 3, changed=(2,)) -> dict:
    """`n` seeds of one variant, some of them changed; name of each row's variant -> its row."""
    for repetition in range(n):
        record = fake_run.quality("meanflow", repetition, npz=False)
        fake_run.write(folder, change(record) if repetition in changed else record)
    rows = comparison(read(folder), NO_STUDY)
    return {row.variant: row for row in rows[rows.nfe == 4].itertuples()}


CHANGES = {
    "fid_extractor": rescored,
    "fid2_extractor": lambda record: rescored(record, "fid2_extractor"),
    "compute": lambda record: with_setting(record, compute=["bfloat16"]),
    "code_hash": lambda record: with_setting(record, code_hash="e" * 64),
    "train_code": lambda record: with_setting(record, train_code="e" * 64),
    "score_code": lambda record: with_setting(record, score_code="e" * 64),
    "options": lambda record: with_setting(record, options={"lr": 1.0}),
    "charged": charged,
}


@pytest.mark.parametrize("setting", CHANGES)
def test_seeds_that_differ_in_a_setting_stand_in_a_row_of_their_own(tmp_path, setting):
    rows = fill(tmp_path, CHANGES[setting])
    assert {name: row.n_seeds for name, row in rows.items()} == {"meanflow": 2, "meanflow [2]": 1}
    assert pd.isna(rows["meanflow"].reason)
    assert rows["meanflow [2]"].reason == f"not averaged with meanflow, from which it differs in: {setting}"


def test_precision_is_a_setting_and_what_varies_by_nature_is_none(tmp_path):
    def imprecise(record):
        record["provenance"]["precision"] = "bfloat16"
        return record

    assert set(fill(tmp_path / "a", imprecise)) == {"meanflow", "meanflow [2]"}
    harmless = dict(limit_seconds=1.0, preset="other", cost_code="e" * 64, extractor_hashes=[None], look={})
    assert set(fill(tmp_path / "b", lambda record: with_setting(record, **harmless))) == {"meanflow"}


def test_of_equally_large_groups_the_newest_keeps_the_name(tmp_path):
    def newer(record):
        record["provenance"]["timestamp_utc"] = "2030-01-01T00:00:00+00:00"
        return with_setting(record, code_hash="e" * 64)

    rows = fill(tmp_path, newer, n=2, changed=(1,))
    expected = fake_run.quality("meanflow", 1)["quality"]["samples"][2]["fid"]
    assert rows["meanflow"].fid == pytest.approx(expected)


def test_the_common_start_of_a_variant_may_have_another_seed_but_not_another_name(tmp_path):
    def starts(variant):
        return lambda record: with_setting(record, ancestor=f"{variant}.digits.s{record['cell']['repetition']}.abcd")

    everyone = (0, 1, 2)
    assert set(fill(tmp_path / "a", starts("diffusion"), changed=everyone)) == {"meanflow"}
    assert set(fill(tmp_path / "b", starts("diffusion"), changed=(0,))) == {"meanflow", "meanflow [2]"}


def test_a_seed_that_failed_belongs_to_the_largest_group_that_it_fits(tmp_path):
    fake_run.write(tmp_path, fake_run.failed("meanflow", 9, "oom", "out of memory"))
    rows = fill(tmp_path, rescored)
    assert rows["meanflow"].status == "2 of 3 done: oom" and rows["meanflow [2]"].status == "done"


def test_timing_cells_stay_with_the_seeds_though_their_code_is_older_and_are_not_averaged_over_two_codes(tmp_path):
    for launch, code in enumerate(("a", "a", "b")):
        fake_run.write(tmp_path, with_setting(fake_run.timing("meanflow", launch=launch), code_hash=code * 64))
    rows = fill(tmp_path, lambda record: record)
    assert rows["meanflow"].n_launches == 2 and rows["meanflow"].n_seeds == 3
    launches = comparison(read(tmp_path), NO_STUDY).set_index("variant").n_launches
    assert launches["meanflow [2]"] == 1


def test_the_reason_stands_below_the_tables_and_chains_are_kept_apart_too(tmp_path):
    fill(tmp_path, rescored)
    tabulated(tmp_path)
    text = (tmp_path / "tables" / "comparison.md").read_text()
    assert "- meanflow [2]: not averaged with meanflow, from which it differs in: fid_extractor" in text
    assert {chain.variant for chain in chains(read(tmp_path), "reach")} == {"meanflow", "meanflow [2]"}


def test_what_only_prepares_other_cells_is_in_no_table(tmp_path):
    start = fake_run.base("training", "diffusion", 0)
    fake_run.write(tmp_path, start)
    assert set(fill(tmp_path, lambda record: record)) == {"meanflow"}
    assert set(read(tmp_path).cells.variant) == {"meanflow"}
