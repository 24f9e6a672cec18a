"""What is compared in one table is one field, and what makes its rows unequal is said beside them."""

from __future__ import annotations

from benchmarks.report.frames import read
from benchmarks.report.frames.comparison import comparison
from benchmarks.report.tables import fid_by_nfe, sampling_cost, training_cost
from benchmarks.report.tables.sheet import Bold
from tests.benchmarks import fake_run
from tests.benchmarks.report.tables.test_tables import NO_STUDY, scored, tabulated


def test_a_recogniser_that_samples_is_compared_with_all_generators(tmp_path):
    for repetition in range(3):
        fake_run.write(tmp_path, scored(repetition, 48.0 + repetition, "meanflow"))
        fake_run.write(tmp_path, scored(repetition, 302.0 + repetition, "dbn"))
        fake_run.write(tmp_path, scored(repetition, 868.0 + repetition, "sdae"))
    (sheet,) = fid_by_nfe.sheets(read(tmp_path), comparison(read(tmp_path), NO_STUDY))
    bold = {row.variant for row in sheet.body.itertuples() if isinstance(row[3], Bold)}
    assert bold == {"meanflow"}


def test_another_training_budget_has_a_sign_and_the_budgets_are_listed(tmp_path):
    for variant, flops in (("meanflow", 1.25e12), ("diffusion", 1.26e12), ("dbn", 2e11)):
        record = scored(0, 20.0, variant)
        record["training"]["flops"] = flops
        fake_run.write(tmp_path, record)
    tabulated(tmp_path)
    text = (tmp_path / "tables" / "comparison.md").read_text()
    assert "| dbn ‡ " in text and "meanflow ‡" not in text and "diffusion ‡" not in text
    assert (
        "‡: another training budget than most rows. Training FLOPs: 1.25e12 for meanflow, diffusion; 2e11 for dbn."
        in text
    )


def test_timings_that_contradict_each_other_are_flagged(tmp_path):
    fake_run.write_run(tmp_path, ("diffusion",), n_seeds=1, npz=False)
    timed = fake_run.timing("diffusion")
    times = {"euler": (0.98, 0.9), "ipndm": (0.66, 1.25)}
    for entry in timed["timing"]["samples"]:
        if entry["nfe"] == 32 and entry["sampler"] in times:
            entry["sample_ms_per_image"], entry["sampler_efficiency"] = times[entry["sampler"]]
    fake_run.write(tmp_path, timed)
    (sheet,) = sampling_cost.sheets(read(tmp_path), comparison(read(tmp_path), NO_STUDY))
    body = sheet.body.set_index("sampler")
    assert body.efficiency["ipndm"] == "125.0 % !" and "!" not in body.efficiency["euler"]
    notes = " ".join(sheet.notes)
    assert "An efficiency above 105 % is impossible" in notes and "diffusion, ipndm at 32 NFE" in notes
    assert "Samplers of diffusion with the same 32 evaluations differ in ms/image: euler 0.980," in notes


def test_seconds_of_cells_that_ran_beside_others_are_called_so(tmp_path):
    record = fake_run.quality("meanflow", 0, npz=False)
    fake_run.write(tmp_path, record)
    rows = comparison(read(tmp_path), NO_STUDY)
    assert "train s, while other cells ran" in training_cost.sheets(read(tmp_path), rows)[0].body
    record["provenance"]["exclusive"] = True
    fake_run.write(tmp_path, record)
    assert "train s" in training_cost.sheets(read(tmp_path), rows)[0].body
