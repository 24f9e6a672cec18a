"""Curves along training read at equal cost, and the cost of a quality, on curves whose answers are known."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from benchmarks import cli, report
from benchmarks.execute import drawing
from benchmarks.report import tables
from benchmarks.report.frames import read
from benchmarks.report.frames.budgets import at_equal, pairs_at_equal, time_to_target
from benchmarks.report.frames.comparison import comparison
from tests.benchmarks import fake_run

FLOPS = (1e12, 2e12, 4e12, 8e12)
UPDATE = 5e9  # FLOPs


def store(folder, variant: str, repetition: int = 0, factor: float = 1.0, quality=lambda flops: 1e13 / flops) -> None:
    """A record whose points lie at `factor` times FLOPS, 1e-6 of them images, and a timing cell of 2e-11 seconds each.

    Other cells ran while this one trained, so the seconds in its own record are wrong.
    """
    record = fake_run.quality(variant, repetition, npz=False)
    (stage,) = record["training"]["stages"]
    stage["updates"] = round(FLOPS[-1] * factor / UPDATE)
    timed = fake_run.timing(variant)
    timed["timing"]["stages"] = [{"name": stage["name"], "step_seconds_median": 2e-11 * UPDATE}]
    fake_run.write(folder, timed)
    points = record["quality"]["curve"][: len(FLOPS)]
    for point, flops in zip(points, FLOPS, strict=True):
        flops *= factor
        point |= {"flops": flops, "images": flops * 1e-6, "updates": round(flops / UPDATE), "seconds": 1e6}
        for entry in point["samples"]:
            entry["fid_ratio"] = quality(flops)
        if point["accuracy"] is not None:
            point["accuracy"] = quality(flops)
    record["quality"]["curve"] = points
    fake_run.write(folder, record)


def values(table, column="mean", nfe=1.0):
    rows = table[(table.nfe == nfe) | table.nfe.isna()]
    return dict(zip(rows.variant, rows[column], strict=True))


def test_all_are_read_at_the_largest_cost_that_all_have_spent(tmp_path):
    store(tmp_path, "meanflow")
    store(tmp_path, "diffusion", factor=0.75)
    table = at_equal(read(tmp_path), "flops")
    assert set(table["at"]) == {6e12} and set(at_equal(read(tmp_path), "images")["at"]) == {6e6}
    # A power law is a straight line on log axes, so it is met exactly between points, here 4e12 and 8e12.
    assert values(table) == pytest.approx({"meanflow": 10 / 6, "diffusion": 10 / 6})
    assert values(table, "nearest_measured") == pytest.approx({"meanflow": 8 / 6, "diffusion": 1})


def test_a_pair_is_read_seed_by_seed_where_the_cheaper_of_both_ended(tmp_path):
    for seed, worse in enumerate((2.0, 8.0)):
        store(tmp_path, "meanflow", seed)
        store(tmp_path, "diffusion", seed, factor=0.75, quality=lambda flops, worse=worse: worse * 1e13 / flops)
    asked = ['nfe = 1, claim = "H1"', "nfe = 2", 'nfe = 1, nfe_b = "best"']
    pairs = ", ".join(f'{{ a = "meanflow", b = "diffusion", {more} }}' for more in asked)
    (tmp_path / "fake.toml").write_text(f"pairs = [{pairs}]")
    table = pairs_at_equal(read(tmp_path), "seconds")
    assert list(table.claim) == ["H1"]  # the curves have neither 2 NFE nor a best one
    row = table.iloc[0]
    # Both are power laws, read at 6e12 FLOPs of 2e-11 seconds each; ratios of 1/2 and 1/8 have the mean 1/4.
    assert (row["at"], row.ratio, row.n_seeds) == (pytest.approx(120), pytest.approx(0.25), 2)
    half = math.log(2) * 12.706  # t interval of two logarithms, log 2 to either side of their mean
    assert [row.ci_low, row.ci_high] == pytest.approx([0.25 * math.exp(-half), 0.25 * math.exp(half)], rel=1e-3)


def test_a_short_seed_shortens_the_cost_for_all_and_seeds_give_the_interval(tmp_path):
    for repetition, factor in enumerate([1.0, 0.5, 1.0]):
        store(tmp_path, "meanflow", repetition, factor, quality=lambda flops, r=repetition: (r + 1) * 1e13 / flops)
    row = at_equal(read(tmp_path), "flops").iloc[0]
    assert row["at"] == 4e12 and row.n_seeds == 3
    assert row["mean"] == pytest.approx(5.0) and row.sd == pytest.approx(2.5)
    assert row.ci_high - row["mean"] == pytest.approx(4.303 * 2.5 / math.sqrt(3), rel=1e-3)


def test_nothing_is_said_beyond_what_was_measured(tmp_path):
    store(tmp_path, "meanflow", factor=100)
    store(tmp_path, "diffusion")
    found = values(at_equal(read(tmp_path), "flops"))
    assert math.isnan(found["meanflow"]) and found["diffusion"] == pytest.approx(10 / 8)


def test_recognisers_and_generators_are_read_at_costs_of_their_own(tmp_path):
    store(tmp_path, "meanflow")
    store(tmp_path, "end-to-end", factor=0.1, quality=lambda flops: 0.5 + 0.1 * math.log2(flops / 1e11))
    table = at_equal(read(tmp_path), "flops")
    assert dict(zip(table.task, table["at"], strict=True)) == {"generation": 8e12, "recognition": 8e11}


def test_time_to_target_is_the_first_crossing_on_the_curve(tmp_path):
    store(tmp_path, "meanflow")
    table = time_to_target(read(tmp_path))
    rows = table[(table.nfe == 1)].set_index(["axis", "target"])["median"]
    # 1e13 / flops is 5 at 2e12, a measured point, and 2 at 5e12, between two
    assert rows["flops", 5.0] == pytest.approx(2e12) and rows["flops", 2.0] == pytest.approx(5e12)
    assert rows["seconds", 2.0] == pytest.approx(100) and rows["images", 2.0] == pytest.approx(5e6)


def test_what_is_met_at_the_first_point_is_charged_for_it(tmp_path):
    store(tmp_path, "meanflow", quality=lambda flops: 1.5)
    assert set(time_to_target(read(tmp_path)).query("axis == 'flops'")["median"].round()) == {1e12}


def test_a_miss_is_infinite_also_for_a_seed_without_numbers_and_the_median_says_what_most_did(tmp_path):
    good, bad = (lambda flops: 1e13 / flops), (lambda flops: 9.0)
    for repetition, quality in enumerate([good, bad, lambda flops: None]):
        store(tmp_path, "meanflow", repetition, quality=quality)
    for repetition, quality in enumerate([good, good, bad]):
        store(tmp_path, "diffusion", repetition, quality=quality)
    table = time_to_target(read(tmp_path)).query("axis == 'flops' and nfe == 1 and target == 5").set_index("variant")
    assert table.n_reached.to_dict() == {"diffusion": 2, "meanflow": 1} and set(table.n_seeds) == {3}
    assert np.isinf(table["median"]["meanflow"]) and table["median"]["diffusion"] == pytest.approx(2e12)
    assert np.isinf(table.highest["diffusion"])


def test_accuracy_has_a_target_from_below(tmp_path):
    store(tmp_path, "end-to-end", quality=lambda flops: 0.94 + 0.01 * math.log2(flops / 1e12))
    row = time_to_target(read(tmp_path)).query("axis == 'flops' and measure == 'accuracy'").squeeze()
    assert (row.target, row["median"]) == (0.96, pytest.approx(4e12))


def test_the_files_say_inf_and_the_sign(tmp_path):
    store(tmp_path, "unrolled-k1", quality=lambda flops: 9.0)
    frames = read(tmp_path)
    tables.write(comparison(frames), frames, tmp_path / "tables")
    assert ",inf,inf,inf" in (tmp_path / "tables" / "time_to_target.csv").read_text()
    assert "∞ (0 of 1)" in (tmp_path / "tables" / "time_to_target.md").read_text()
    assert "Generation at 8e12 training FLOPs" in (tmp_path / "tables" / "at_equal_flops.md").read_text()
    assert "Generation at 160 training seconds" in report.at_equal([tmp_path], "seconds")


def test_records_without_curves_give_empty_tables(tmp_path):
    record = fake_run.quality("meanflow", 0, npz=False)
    record["quality"]["curve"] = []
    fake_run.write(tmp_path, record)
    assert at_equal(read(tmp_path), "flops").empty and time_to_target(read(tmp_path)).empty
    assert report.at_equal([tmp_path], "flops") == "nothing was measured along training"


def test_the_command_prints_the_axis_that_is_asked_for(tmp_path, monkeypatch, capsys):
    store(tmp_path, "unrolled-k1")
    monkeypatch.setattr(drawing, "draw", lambda folders, aa_dir: {"failures": []})
    for option, said in (
        ("images", "Generation at 8e6 training images"),
        ("seconds", "Generation at 160 training seconds"),
    ):
        with pytest.raises(SystemExit) as ended:
            cli.main(["report", str(tmp_path), "--budget-axis", option])
        assert not ended.value.code and said in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        cli.main(["report", str(tmp_path), "--budget-axis", "watts"])
    assert ended.value.code == 2 and "'flops', 'images', 'seconds'" in capsys.readouterr().err


def test_a_variant_that_was_timed_beside_other_cells_or_never_is_left_out_and_named(tmp_path):
    for variant in ("meanflow", "diffusion", "unrolled-k1"):
        store(tmp_path, variant)
    fake_run.write(tmp_path, fake_run.timing("diffusion", exclusive=False))
    next((tmp_path / "cells").glob("unrolled-k1.*.timing.*")).unlink()
    assert set(at_equal(read(tmp_path), "seconds").variant) == {"meanflow"}
    text = report.at_equal([tmp_path], "seconds")
    assert re.search(r"diffusion +no clean timing", text) and re.search(r"unrolled-k1 +no clean timing", text)
    assert "while" not in report.at_equal([tmp_path], "flops")
    frames = read(tmp_path)
    tables.write(comparison(frames), frames, tmp_path / "tables")
    said = (tmp_path / "tables" / "time_to_target.md").read_text()
    assert "No training seconds, since there is no clean timing: diffusion, unrolled-k1." in said


def test_a_point_of_an_earlier_stage_is_no_result_of_the_variant(tmp_path):
    store(tmp_path, "end-to-end", quality=lambda flops: 0.9)
    record = fake_run.quality("dbn", 0, npz=False)
    points = record["quality"]["curve"][:4]
    for point, flops, stage in zip(points, FLOPS, ["rbm 1", "rbm 1", "top rbm", "fine-tuning"], strict=True):
        point |= {"flops": 2 * flops, "images": flops * 1e-6, "stage": stage, "accuracy": 0.1}
    record["quality"]["curve"] = points
    fake_run.write(tmp_path, record)
    table = at_equal(read(tmp_path), "flops").query("measure == 'accuracy'").set_index("variant")
    assert set(table["at"]) == {8e12}
    assert math.isnan(table["mean"]["dbn"]) and table["mean"]["end-to-end"] == pytest.approx(0.9)
    text = report.at_equal([tmp_path], "flops")
    assert "an earlier stage of training than the last was under way at that cost: dbn (in top rbm)." in text
    assert "mid-schedule" in text


def test_equal_budgets_of_whole_updates_count_as_equal(tmp_path):
    store(tmp_path, "meanflow", factor=0.999)
    record = fake_run.quality("diffusion-unrolled-k4", 0, npz=False)
    points = record["quality"]["curve"][:2]
    for point, flops, stage in zip(points, (4e12, 8e12), ["flow matching", "unrolled"], strict=True):
        point |= {"flops": flops, "stage": stage}
        point["samples"][0]["fid_ratio"] = 7.0
    record["quality"]["curve"] = points
    fake_run.write(tmp_path, record)
    assert values(at_equal(read(tmp_path), "flops"))["diffusion-unrolled-k4"] == pytest.approx(7.0)
