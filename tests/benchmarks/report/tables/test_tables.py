"""The tables, on invented records: which rows and numbers, and what survives failures."""

from __future__ import annotations

import csv
import json
import math
import re
from pathlib import Path

import pandas as pd
import pytest

from benchmarks import report
from benchmarks.report import tables
from benchmarks.report.frames import aa, read
from benchmarks.report.frames.comparison import comparison
from tests.benchmarks import fake_run

REQUESTED = (
    "paradigm,title,era,dataset,n_seeds,nfe,fid,fid_sd,fid_extractor,n_samples,fid_floor,fid_ratio,kid,accuracy,"
    "train_flops,train_images_per_second,sample_images_per_second,sample_ms_per_image,peak_train_bytes,"
    "peak_sample_bytes"
)
APPENDED = (
    "variant,sampler,accuracy_sd,fid_ratio_sd,memorisation_ratio,flops_per_sample,latency_ms_batch1,train_seconds,"
    "timing_exclusive,status,reason"
)
SINCE_INSTRUMENTS = (
    "fid2,fid2_ratio,fid_ci_low,fid_ci_high,fid_bias,kid_se,precision,recall,coverage,memorisation,label_agreement,"
    "accuracy_ci_low,accuracy_ci_high,ais,latency_p50_ms,latency_p90_ms,sampler_efficiency,mfu,"
    "energy_joules_per_image,reach,credit_length,effective_reach,mismatch_amplification"
)
NO_STUDY = pd.DataFrame(columns=aa.COLUMNS)  # whatever lies in the repository, these tables know no detectable effects


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """The tables of a whole run of two recognisers and two generators."""
    folder = tmp_path_factory.mktemp("run")
    fake_run.write_run(folder, ("dbn", "end-to-end", "diffusion", "meanflow"), npz=False)
    tabulated(folder)
    return folder


def tabulated(folder: Path) -> pd.DataFrame:
    """The comparison, with its files written; figures are left out for speed."""
    frames = read(folder)
    table = comparison(frames, NO_STUDY)
    tables.write(table, frames, folder / "tables")
    return table


def table_of(folder: Path) -> pd.DataFrame:
    return comparison(read(folder), NO_STUDY)


def scored(repetition: int, fid: float, variant: str = "meanflow", sampler: str = "default") -> dict:
    """A finished record with one sampled entry of the given FID, over a floor of 10."""
    record = fake_run.quality(variant, repetition, npz=False)
    entry = record["quality"]["samples"][0] | {"sampler": sampler, "nfe_asked": 4, "nfe": 4.0}
    record["quality"]["samples"] = [entry | {"fid": fid, "fid_floor": 10.0, "fid_ratio": fid / 10}]
    return record


def test_the_csv_has_the_requested_columns_first_and_in_order(run):
    header = (run / "tables" / "comparison.csv").read_text().splitlines()[0]
    assert header.startswith(f"{REQUESTED},{APPENDED},{SINCE_INSTRUMENTS},")


def test_there_is_one_row_per_variant_sampler_and_nfe(run):
    rows = list(csv.DictReader((run / "tables" / "comparison.csv").open()))
    found = [(row["variant"], row["sampler"], row["nfe"]) for row in rows]
    expected = [("dbn", "gibbs", str(nfe)) for nfe in fake_run.NFE] + [("end-to-end", "", "")]
    expected += [("diffusion", sampler, str(nfe)) for sampler in ("euler", "heun", "ipndm") for nfe in fake_run.NFE]
    expected.remove(("diffusion", "heun", "1"))
    expected += [("meanflow", "default", str(nfe)) for nfe in fake_run.NFE]
    assert found == expected


def test_what_does_not_apply_is_empty(run):
    rows = list(csv.DictReader((run / "tables" / "comparison.csv").open()))
    recogniser = next(row for row in rows if row["variant"] == "end-to-end")
    generator = next(row for row in rows if row["variant"] == "meanflow")
    assert {recogniser[name] for name in ("fid", "kid", "n_samples", "sample_ms_per_image", "peak_sample_bytes")} == {
        ""
    }
    assert recogniser["accuracy"] and recogniser["train_images_per_second"]
    assert generator["accuracy"] == generator["accuracy_sd"] == "" and generator["fid"]


def test_mean_and_sample_sd_over_seeds_are_those_of_the_textbook(tmp_path):
    for repetition, fid in enumerate([10.0, 20.0, 60.0]):
        fake_run.write(tmp_path, scored(repetition, fid))
    row = table_of(tmp_path).iloc[0]
    assert row.n_seeds == 3 and row.fid == pytest.approx(30) and row.fid_ratio == pytest.approx(3)
    # squares of (-20, -10, 30) sum to 1400; over n - 1 = 2
    assert row.fid_sd == pytest.approx(math.sqrt(700)) and row.fid_ratio_sd == pytest.approx(math.sqrt(700) / 10)


def test_one_seed_has_no_sd(tmp_path):
    fake_run.write(tmp_path, scored(0, 20.0))
    row = table_of(tmp_path).iloc[0]
    assert row.n_seeds == 1 and row.fid == 20 and pd.isna(row.fid_sd)
    assert "±" not in report.summary(table_of(tmp_path))


def test_a_seed_without_a_number_does_not_flatter_the_mean_of_the_others(tmp_path):
    broken = scored(1, 20.0)
    broken["quality"]["samples"][0] |= {"fid": None, "fid_ratio": None}
    fake_run.write(tmp_path, scored(0, 20.0))
    fake_run.write(tmp_path, broken)
    row = table_of(tmp_path).iloc[0]
    assert pd.isna(row.fid) and pd.isna(row.fid_sd) and row.n_seeds == 2


def test_some_failed_seeds_are_counted_out_and_named(tmp_path):
    fake_run.write(tmp_path, scored(0, 10.0))
    fake_run.write(tmp_path, scored(1, 30.0))
    fake_run.write(tmp_path, fake_run.failed("meanflow", 2, "timeout", "past its limit of 600 s"))
    row = table_of(tmp_path).iloc[0]
    assert (row.n_seeds, row.status, row.reason) == (2, "2 of 3 done: timeout", "past its limit of 600 s")
    assert row.fid == pytest.approx(20)


def test_a_variant_that_never_finished_keeps_one_row_with_the_reason(tmp_path):
    fake_run.write(tmp_path, scored(0, 10.0))
    for repetition in range(2):
        fake_run.write(tmp_path, fake_run.failed("sdae", repetition, "non_finite", "NonFinite: loss is nan"))
    table = tabulated(tmp_path)
    row = table[table.variant == "sdae"].squeeze()
    assert (row.n_seeds, row.status, row.reason) == (0, "non_finite", "NonFinite: loss is nan")
    assert pd.isna(row.nfe) and pd.isna(row.fid)
    assert "sdae: non_finite: NonFinite: loss is nan" in (tmp_path / "tables" / "comparison.md").read_text()


def test_a_worker_that_died_before_it_knew_its_facts_borrows_them_from_its_siblings(tmp_path):
    died = fake_run.failed("meanflow", 0, "failed", "killed by signal 9")
    for fact in ("title", "era", "task", "reference"):
        died["cell"].pop(fact)
    fake_run.write(tmp_path, died)
    assert table_of(tmp_path).title.tolist() == ["meanflow"]
    fake_run.write(tmp_path, scored(1, 10.0))
    assert table_of(tmp_path).title.tolist() == ["MeanFlow"]


def test_seeds_with_different_settings_are_not_passed_off_as_repetitions(tmp_path):
    other = scored(1, 20.0)
    other["cell"]["budget_flops"] *= 2
    fake_run.write(tmp_path, scored(0, 20.0))
    fake_run.write(tmp_path, other)
    table = table_of(tmp_path).set_index("variant")
    assert table.n_seeds.to_dict() == {"meanflow": 1, "meanflow [2]": 1}
    assert table.reason["meanflow [2]"] == "not averaged with meanflow, from which it differs in: budget_flops"


def test_missing_timing_leaves_quality_in_place_and_a_failed_one_is_named(tmp_path):
    fake_run.write(tmp_path, scored(0, 20.0))
    row = table_of(tmp_path).iloc[0]
    assert row.fid == 20 and pd.isna(row.train_images_per_second) and row.timing_exclusive is None
    failed = fake_run.base("timing", "meanflow", 0) | {"status": "oom", "reason": "out of memory"}
    fake_run.write(tmp_path, failed)
    assert table_of(tmp_path).status.tolist() == ["done; timing oom"]


def test_shared_timing_is_said_in_the_row_and_under_the_table(tmp_path):
    fake_run.write(tmp_path, scored(0, 20.0))
    fake_run.write(tmp_path, fake_run.timing("meanflow", exclusive=False))
    table = tabulated(tmp_path)
    assert table.timing_exclusive.tolist() == [False]
    assert "SHARED computer: meanflow" in (tmp_path / "tables" / "comparison.md").read_text()


def test_the_summary_names_the_nfe_of_the_best_mean_not_of_the_luckiest_seed(tmp_path):
    for repetition, (at_4, at_8) in enumerate([(20.0, 30.0), (20.0, 5.0), (20.0, 40.0)]):
        record = scored(repetition, at_4)
        second = record["quality"]["samples"][0] | {"nfe_asked": 8, "nfe": 8.0, "fid": at_8, "fid_ratio": at_8 / 10}
        record["quality"]["samples"].append(second)
        fake_run.write(tmp_path, record)
    text = report.summary(table_of(tmp_path))
    assert "2.00 ± 0.00 @ 4 default" in text and "0.50" not in text


def test_latex_has_every_special_character_escaped(tmp_path):
    record = scored(0, 20.0)
    record["cell"]["title"] = r"50% of A & B_1 # {x} ~ ^ \ $"
    fake_run.write(tmp_path, record)
    tabulated(tmp_path)
    text = (tmp_path / "tables" / "comparison.tex").read_text()
    assert text.count(r"\begin{tabular}") == text.count(r"\end{tabular}") == text.count(r"\begin{table}") > 1
    rows = [line for line in text.splitlines() if "50" in line and line.endswith(r"\\")]
    assert len(rows) == 1
    cell = rows[0].split(" & ")[1] if r"\&" not in rows[0].split(" & ")[1] else rows[0]
    assert r"50\% of A \& B\_1 \# \{x\}" in cell
    assert not re.search(r"(?<!\\)[%#_]", rows[0]) and text.isascii()


def test_a_damaged_record_is_named_and_left_out(tmp_path):
    fake_run.write(tmp_path, scored(0, 20.0))
    (tmp_path / "cells" / "torn.json").write_text('{"schema": 1, "cell"')
    with pytest.warns(UserWarning, match=r"torn\.json"):
        table = table_of(tmp_path)
    assert len(table) == 1


def test_a_fractional_count_of_evaluations_is_not_rounded(tmp_path):
    record = scored(0, 20.0)
    record["quality"]["samples"][0]["nfe"] = 3.5
    fake_run.write(tmp_path, record)
    tabulated(tmp_path)
    assert next(csv.DictReader((tmp_path / "tables" / "comparison.csv").open()))["nfe"] == "3.5"


def test_a_path_to_a_paradigm_shows_as_its_name(tmp_path):
    record = scored(0, 20.0)
    record["cell"]["paradigm"] = "/somewhere/mine.py"
    fake_run.write(tmp_path, record)
    assert table_of(tmp_path).paradigm.tolist() == ["mine"]
    assert json.dumps("/somewhere") not in table_of(tmp_path).to_csv()


def test_the_latex_rows_of_a_table_have_as_many_cells_as_its_columns(run):
    text = (run / "tables" / "comparison.tex").read_text()
    found = re.findall(r"\\begin\{tabular\}\{(l+)\}(.*?)\\end\{tabular\}", text, re.DOTALL)
    assert len(found) > 5
    for columns, body in found:
        rows = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {len(columns)}
    assert text.isascii() and text.count("{") == text.count("}")


def test_the_summary_is_no_wider_than_a_terminal(run):
    assert max(map(len, report.summary(table_of(run)).splitlines())) <= 150
