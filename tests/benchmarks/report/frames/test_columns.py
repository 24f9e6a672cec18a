"""From a record's fields to the columns of the comparison: each arrives, and as what it is meant to be."""

from __future__ import annotations

import json
import math

import pandas as pd
import pytest

from benchmarks.report.frames import read
from benchmarks.report.frames.comparison import comparison
from tests.benchmarks import fake_run
from tests.benchmarks.report.tables.test_tables import NO_STUDY, scored, table_of, tabulated


def test_each_new_field_of_a_record_has_its_column(tmp_path):
    """One seed's numbers come through unchanged; the table has the mean of three."""
    fake_run.write_run(tmp_path, ("dbn",), npz=False)
    frames = read(tmp_path)
    record = json.loads(next((tmp_path / "cells").glob("dbn.digits.s0.*.json")).read_text())["quality"]
    timed = json.loads(next((tmp_path / "cells").glob("dbn.digits.timing.*.json")).read_text())["timing"]
    cells = frames.cells.query("kind == 'quality' and variant == 'dbn' and repetition == 0").squeeze()
    assert cells.reach == record["reach"]["on_policy_reach"] and cells.reach_coverage == record["reach"]["coverage"]
    assert cells.mismatch_reason == record["mismatch"]["reason"] and cells.ais == record["likelihood"]["ais"]
    row = comparison(frames, NO_STUDY).query("variant == 'dbn' and nfe == 4").squeeze()
    seeds = frames.samples.query("variant == 'dbn' and nfe == 4")
    for name in ("fid2", "fid2_ratio", "fid_bias", "kid_se", "precision", "recall", "coverage", "memorisation"):
        assert row[name] == pytest.approx(seeds[name].mean()) and pd.notna(row[name]), name
    entry = next(entry for entry in timed["samples"] if entry["nfe"] == 4)
    for name in ("latency_p50_ms", "latency_p90_ms", "sampler_efficiency", "mfu", "warmup_seconds"):
        assert row[name] == entry[name], name
    assert pd.isna(row.energy_joules_per_image) and row.timing_flags is None
    assert row.fid2_extractor == "digits-ae-9f8e7d6c" and row.credit_length == 1


def test_records_from_before_the_instruments_leave_their_columns_empty(tmp_path):
    record = fake_run.quality("dbn", 0, npz=False)
    for name in ("sampling_noise", "recognition", "likelihood", "reach", "mismatch"):
        record["quality"].pop(name)
    old = ["sampler", "nfe_asked", "nfe", "n_samples", "fid", "fid_extractor", "fid_floor", "fid_ratio", "kid"]
    record["quality"]["samples"] = [{name: entry[name] for name in old} for entry in record["quality"]["samples"]]
    fake_run.write(tmp_path, record)
    table = tabulated(tmp_path)
    assert table.fid.notna().all() and table.accuracy.notna().all()
    empty = ["fid2", "precision", "sampling_sd", "ais", "reach", "mismatch_amplification", "fid_ci_low", "knn_accuracy"]
    assert table[empty].isna().all(axis=None)


def test_both_intervals_of_an_accuracy_are_those_of_the_textbook(tmp_path):
    for repetition, right in enumerate([340, 345, 350]):
        record = fake_run.quality("end-to-end", repetition, npz=False)
        record["quality"]["accuracy"] = right / 360
        fake_run.write(tmp_path, record)
    row = table_of(tmp_path).iloc[0]
    half = 4.303 * (5 / 360) / math.sqrt(3)  # t(0.975) at 2 degrees of freedom
    assert row.accuracy_ci_low == pytest.approx(345 / 360 - half, rel=1e-4)
    # Wilson's interval solves (p - x)^2 = z^2 x (1 - x) / n: both ends do, with the images of one seed
    for x in (row.accuracy_binomial_low, row.accuracy_binomial_high):
        assert (345 / 360 - x) ** 2 == pytest.approx(1.959964**2 * x * (1 - x) / 360, rel=1e-5)


def test_the_shift_is_against_the_number_of_evaluations_that_training_is_about(tmp_path):
    for repetition in range(2):
        record = scored(repetition, 10.0)
        entry = record["quality"]["samples"][0]
        others = [entry | {"nfe_asked": nfe, "nfe": float(nfe), "fid": 10.0 * nfe} for nfe in (1, 2, 4)]
        record["quality"] |= {"samples": others, "reach": {"natural_nfe": 2}}
        fake_run.write(tmp_path, record)
    assert table_of(tmp_path).set_index("nfe").k_shift.to_dict() == {1: 0.5, 2: 1.0, 4: 2.0}


def test_sampling_noise_is_the_sd_within_a_trained_network(tmp_path):
    for repetition, draws in enumerate([[2.0, 3.0], [10.0, 10.0]]):
        record = scored(repetition, [10.0, 100.0][repetition])
        noise = {"sampler": "default", "nfe_asked": 4, "fid_ratios": draws}
        record["quality"]["sampling_noise"] = [noise]
        fake_run.write(tmp_path, record)
    # 1, 2, 3 have variance 1 and 10, 10, 10 none; the 1 against 10 between the networks does not count
    assert table_of(tmp_path).sampling_sd.tolist() == [pytest.approx(math.sqrt(0.5))]


def test_several_launches_are_averaged_and_flags_show(tmp_path):
    fake_run.write(tmp_path, scored(0, 20.0))
    for launch in range(2):
        timed = fake_run.timing("meanflow", launch=launch)
        timed["timing"] |= {"train_images_per_second": 100.0 + 100 * launch, "flags": [f"flag {launch}"]}
        fake_run.write(tmp_path, timed)
    row = tabulated(tmp_path).iloc[0]
    assert (row.n_launches, row.train_images_per_second, row.timing_flags) == (2, 150.0, "flag 0; flag 1")
    text = (tmp_path / "tables" / "comparison.md").read_text()
    assert "| meanflow ! |" in text and "! A check of the timing failed for meanflow: flag 0; flag 1." in text


def test_training_is_one_number_over_its_stages(tmp_path):
    timed = fake_run.timing("sdae")
    stage = timed["timing"]["stages"][0] | {"batch_size": 10}
    timed["timing"]["stages"] = [
        stage | dict(updates=100, end_to_end_images_per_second=100.0, step_seconds_median=0.1, mfu=0.2),
        stage | dict(updates=100, end_to_end_images_per_second=300.0, step_seconds_median=0.3, mfu=0.6),
    ]
    fake_run.write(tmp_path, timed)
    row = table_of(tmp_path).iloc[0]
    # 1000 images at 100 and 1000 at 300 a second take 10 + 3.33 s; 10 s at 20 % and 30 s at 60 % of the peak
    assert row.train_end_to_end_images_per_second == pytest.approx(150) and row.train_mfu == pytest.approx(0.5)
    assert pd.isna(row.train_energy_joules_per_image)
