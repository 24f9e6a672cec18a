"""Marked rows: where marks come from, where they show, and that no comparison is won by one."""

from __future__ import annotations

import csv

import pytest

from benchmarks import report
from benchmarks.report import caption
from benchmarks.report.figures import cost_bars, fid_vs_nfe, quality_vs_flops, sample_grid, style, training_curves
from benchmarks.report.frames import read
from benchmarks.report.frames.comparison import comparison
from benchmarks.report.tables import fid_by_nfe, recognition
from benchmarks.report.tables.sheet import Bold
from benchmarks.score.marks import COPIES, FROM_DATA
from tests.benchmarks import fake_run
from tests.benchmarks.report.tables.test_tables import NO_STUDY, scored, tabulated

HIDDEN = {"mark": "hidden evaluations", "sampler": None, "nfe": None, "why": "it calls its network more often"}


def copying(repetition: int) -> dict:
    record = scored(repetition, 11.0 + 0.01 * repetition, "unrolled-k1")
    record["quality"]["samples"][0] |= {"memorisation_ratio": 0.001, "memorisation": 1.0}
    return record


@pytest.fixture
def folder(tmp_path):
    """unrolled-k1 copies training images and has the lowest FID; of meanflow and diffusion, meanflow is better."""
    for repetition in range(3):
        fake_run.write(tmp_path, copying(repetition))
        fake_run.write(tmp_path, scored(repetition, 20.0 + repetition, "meanflow"))
        fake_run.write(tmp_path, scored(repetition, 90.0 + repetition, "diffusion"))
    return tmp_path


def test_copies_are_marked_in_every_table_and_win_none(folder):
    tabulated(folder)
    rows = comparison(read(folder), NO_STUDY)
    (sheet,) = fid_by_nfe.sheets(read(folder), rows)
    cells = sheet.body.set_index("variant")["4 NFE"]
    assert isinstance(cells["meanflow"], Bold) and cells["unrolled-k1"].endswith(" †")
    text = (folder / "tables" / "comparison.md").read_text()
    lines = [line for line in text.splitlines() if line.startswith("| ") and "unrolled-k1" in line]
    assert len(lines) > 4 and all(f"| unrolled-k1 † {COPIES} " in line for line in lines)
    assert "- † unrolled-k1, default at 4 NFE: copies training images: The distance of the samples" in text
    table = list(csv.DictReader((folder / "tables" / "comparison.csv").open()))
    assert {row["variant"]: row["marks"] for row in table} == {"unrolled-k1": COPIES, "meanflow": "", "diffusion": ""}
    latex = (folder / "tables" / "comparison.tex").read_text()
    assert rf"unrolled-k1 \dag{{}} {COPIES}" in latex and latex.isascii()


def test_the_summary_marks_the_number_and_says_why(folder):
    text = report.summary(comparison(read(folder), NO_STUDY))
    line = next(line for line in text.splitlines() if line.startswith("unrolled-k1"))
    assert "unrolled-k1 †" in line and "1.10 ± 0.00 † @ 4" in line
    assert "† unrolled-k1: copies training images: The distance of the samples to the nearest training image" in text


def test_figures_mark_the_name_and_say_why_below(tmp_path):
    fake_run.write_run(tmp_path, ("meanflow", "diffusion"), n_seeds=1)
    record = fake_run.quality("meanflow", 0)
    record["quality"]["marks"] = [HIDDEN]
    fake_run.write(tmp_path, record)
    frames = read(tmp_path).of("digits")
    with style.context():
        for module in (fid_vs_nfe, quality_vs_flops, sample_grid, training_curves, cost_bars):
            fig = module.draw(frames)
            artists = [text for ax in fig.axes for text in [*ax.texts, ax.yaxis.label, *ax.get_yticklabels()]]
            artists += [text for ax in fig.axes for text in (ax.title, ax._left_title)]
            artists += [text for legend in fig.legends for text in legend.get_texts()]
            shown = {text.get_text().replace("\n", " ") for text in artists}
            assert "MeanFlow † hidden evaluations" in shown and "MeanFlow" not in shown, module.__name__
            assert "it calls its network more often" in " ".join(fig.get_supxlabel().split()), module.__name__


def test_a_mark_of_one_nfe_leaves_the_others_in_the_comparison(tmp_path):
    record = fake_run.quality("meanflow", 0, npz=False)
    record["quality"]["marks"] = [HIDDEN | {"sampler": "default", "nfe": 8}]
    fake_run.write(tmp_path, record)
    rows = comparison(read(tmp_path), NO_STUDY).set_index("nfe")
    assert rows.marks.dropna().to_dict() == {8: "hidden evaluations"}
    record["quality"]["marks"].append(HIDDEN | {"sampler": "default", "nfe": 1})
    fake_run.write(tmp_path, record)
    assert "meanflow, default at 1, 8 NFE: hidden evaluations" in caption.origin(read(tmp_path))
    assert "@ 8" not in report.summary(rows.reset_index())  # its best mean is at 8
    assert caption.origin(read(tmp_path)).endswith("hidden evaluations: it calls its network more often.")


def test_a_chain_that_starts_from_data_is_marked_in_old_records(tmp_path):
    record = fake_run.quality("dbn", 0, npz=False)
    record["quality"]["mismatch"]["start"] = {"from_noise": False}
    fake_run.write(tmp_path, record)
    unknown = fake_run.quality("sdae", 0, npz=False)
    unknown["quality"]["mismatch"]["start"] = {"from_noise": None}
    fake_run.write(tmp_path, unknown)
    rows = comparison(read(tmp_path), NO_STUDY)
    assert set(rows.marks[rows.variant == "dbn"]) == {FROM_DATA}
    assert rows.marks[rows.variant == "sdae"].isna().all()


def test_an_accuracy_with_a_mark_is_not_the_best(tmp_path):
    for repetition, noise in enumerate((0.0, 0.001, 0.002)):
        for variant, accuracy in (("dbn", 0.9), ("sdae", 0.95), ("end-to-end", 0.99)):
            record = fake_run.quality(variant, repetition, npz=False)
            record["quality"] |= {"accuracy": accuracy + noise}
            if variant == "end-to-end":
                record["quality"]["marks"] = [HIDDEN]
            fake_run.write(tmp_path, record)
    rows = comparison(read(tmp_path), NO_STUDY)
    body = recognition.sheets(read(tmp_path), rows)[0].body.set_index("variant").accuracy
    assert isinstance(body["sdae"], Bold) and body["end-to-end"].endswith("†")


@pytest.mark.parametrize(("measured", "marked"), [({}, True), ({"memorisation": 0.5}, False)])
def test_a_record_with_a_distance_ratio_alone_is_marked_by_it(tmp_path, measured, marked):
    record = scored(0, 11.0)
    (entry,) = record["quality"]["samples"]
    del entry["memorisation"]
    entry |= {"memorisation_ratio": 0.001} | measured
    fake_run.write(tmp_path, record)
    assert comparison(read(tmp_path), NO_STUDY).marks.notna().all() == marked


def test_a_record_that_was_found_fair_stays_so(tmp_path):
    record = copying(0)
    record["quality"]["marks"] = []
    fake_run.write(tmp_path, record)
    assert comparison(read(tmp_path), NO_STUDY).marks.isna().all()
