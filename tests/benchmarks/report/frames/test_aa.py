"""The A/A study: what it says of noise whose size is known, and how other reports take detectable effects from it."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from benchmarks import report
from benchmarks.errors import BadInput
from benchmarks.report import tables
from benchmarks.report.frames import aa, read
from benchmarks.report.frames.comparison import comparison
from benchmarks.report.frames.intervals import detectable
from tests.benchmarks import fake_run


@pytest.fixture(scope="module")
def study_dir(tmp_path_factory):
    """A study of a generator and a recogniser, reported; beside it, other folders may lie."""
    folder = tmp_path_factory.mktemp("runs") / "aa"
    fake_run.write_run(folder, ("diffusion", "end-to-end"), n_seeds=20, npz=False, n_launches=10)
    frames = read(folder)
    tables.write(comparison(frames), frames, folder / "tables")
    return folder


def ratios(folder, values) -> None:
    for repetition, value in enumerate(values):
        record = fake_run.quality("meanflow", repetition, npz=False)
        entry = record["quality"]["samples"][0] | {"nfe_asked": 4, "nfe": 4.0, "fid": 10 * value, "fid_ratio": value}
        record["quality"]["samples"] = [entry]
        fake_run.write(folder, record)


def test_every_headline_column_is_studied_at_every_nfe(study_dir):
    table = pd.read_csv(study_dir / "tables" / "aa.csv")
    studied = table.groupby("column").nfe.nunique().to_dict()
    assert studied == {
        "fid_ratio": 6,
        "fid2_ratio": 6,
        "accuracy": 0,
        "train_images_per_second": 0,
        "sample_ms_per_image": 6,
    }
    assert set(table.n[table.column.isin(aa.PER_LAUNCH)]) == {10} and set(table.n[table.column == "accuracy"]) == {20}
    assert "detectable, n = 5" in (study_dir / "tables" / "aa.md").read_text()


def test_the_noise_and_the_arms_are_those_of_the_textbook(tmp_path):
    values = np.random.default_rng(3).normal(2.0, 0.2, 12)
    ratios(tmp_path, values)
    row = aa.study(read(tmp_path)).set_index("column").loc["fid_ratio"]
    assert row.n == 12 and row.cv == pytest.approx(values.std(ddof=1) / values.mean())
    a, b = values[0::2], values[1::2]
    interval = stats.ttest_ind(b, a).confidence_interval()
    assert row.difference == pytest.approx((b.mean() - a.mean()) / values.mean())
    assert row.difference_ci_low == pytest.approx(interval.low / values.mean())
    assert row.difference_ci_high == pytest.approx(interval.high / values.mean())
    assert row.inside == (interval.low < 0 < interval.high)


def test_two_arms_that_are_not_the_same_are_found_out(tmp_path):
    ratios(tmp_path, [2.0 + 0.01 * (index // 2) + 0.5 * (index % 2) for index in range(12)])
    row = aa.study(read(tmp_path)).set_index("column").loc["fid_ratio"]
    assert not row.inside and row.difference == pytest.approx(0.5 / row["mean"])


def test_a_few_seeds_are_no_study(tmp_path):
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=aa.MIN_RUNS - 1, npz=False)
    assert aa.study(read(tmp_path)).empty
    report_dir = tmp_path / "tables"
    frames = read(tmp_path)
    tables.write(comparison(frames), frames, report_dir)
    assert not (report_dir / "aa.csv").exists()


def test_a_report_finds_the_study_beside_it_and_prints_detectable_differences(study_dir):
    folder = study_dir.parent / "digits"
    fake_run.write_run(folder, ("meanflow", "unrolled-k4", "end-to-end"), npz=False)
    frames = read(folder)
    table = comparison(frames)
    noise = pd.read_csv(study_dir / "tables" / "aa.csv")
    at_4 = noise[(noise.column == "fid_ratio") & (noise.nfe == 4)]
    row = table[(table.variant == "meanflow") & (table.nfe == 4)].squeeze()
    assert row.fid_ratio_mde == pytest.approx(detectable(at_4.cv.max(), 3, 19))
    assert table.accuracy_mde.notna().tolist() == table.accuracy.notna().tolist()
    one_launch = noise[noise.column.eq("train_images_per_second") & noise.task.eq("recognition")].cv.squeeze()
    recogniser = table[table.variant == "end-to-end"].squeeze()
    assert recogniser.train_images_per_second_mde == pytest.approx(detectable(one_launch, 1, 9))
    tables.write(table, frames, folder / "tables")
    text = (folder / "tables" / "comparison.md").read_text()
    line = next(line for line in text.splitlines() if line.startswith("| min. detectable"))
    assert f"{100 * row.fid_ratio_mde:.0f} %" in line
    assert "smallest detectable difference (A/A)" in report.summary(table)


def test_a_difference_below_the_detectable_is_a_tie_in_the_table(tmp_path):
    ratios(tmp_path, [2.0, 2.001, 2.002])
    for repetition in range(3):
        record = fake_run.quality("diffusion", repetition, npz=False)
        entry = record["quality"]["samples"][0] | {"nfe_asked": 4, "nfe": 4.0, "fid_ratio": 2.1 + 0.001 * repetition}
        record["quality"]["samples"] = [entry]
        fake_run.write(tmp_path, record)
    for cv, mark in ((0.001, "**2.00 ± 0.00**"), (0.2, "2.00 ± 0.00 =")):
        noise = pd.DataFrame(
            [
                dict(
                    dataset="digits",
                    task="generation",
                    variant="x",
                    sampler="y",
                    nfe=4,
                    column="fid_ratio",
                    n=20,
                    cv=cv,
                )
            ]
        )
        frames = read(tmp_path)
        tables.write(comparison(frames, noise), frames, tmp_path / "tables")
        assert mark in (tmp_path / "tables" / "comparison.md").read_text()


def test_the_nearest_nfe_stands_in_and_another_data_set_does_not():
    about = dict(dataset="digits", task="generation", variant="x", column="fid_ratio", n=20)
    noise = pd.DataFrame([about | dict(sampler="a", nfe=nfe, cv=cv) for nfe, cv in [(4, 0.1), (4, 0.2), (32, 0.05)]])
    assert aa.smallest(noise, "fid_ratio", "digits", "generation", 100, 3) == detectable(0.05, 3, 19)
    # of several samplers the noisiest, and for a task that was not studied the one that was
    assert aa.smallest(noise, "fid_ratio", "digits", "recognition", 2, 3) == detectable(0.2, 3, 19)
    assert math.isnan(aa.smallest(noise, "fid_ratio", "mnist", "generation", 4, 3))
    assert math.isnan(aa.smallest(noise, "accuracy", "digits", "generation", 4, 3))


def test_a_folder_without_a_study_is_refused_where_it_was_requested(tmp_path):
    ratios(tmp_path, [1.0, 2.0])
    with pytest.raises(BadInput, match=r"--aa .*no tables/aa.csv.*run aa"):
        aa.noise(read(tmp_path), tmp_path / "nowhere")


def test_a_study_takes_its_detectable_effects_from_itself_so_that_reporting_twice_gives_the_same(study_dir):
    frames = read(study_dir)
    before = (study_dir / "tables" / "comparison.csv").read_bytes()
    tables.write(comparison(frames), frames, study_dir / "tables")
    assert (study_dir / "tables" / "comparison.csv").read_bytes() == before
