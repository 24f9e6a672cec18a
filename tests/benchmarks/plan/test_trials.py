"""Trials of options: their cells, which of them counts, and what the report shows of the others."""

import json

import pytest

from benchmarks import report
from benchmarks.errors import BadInput
from benchmarks.plan.cell import Cell
from benchmarks.plan.preflight import prepare
from benchmarks.plan.preset import Variant
from benchmarks.plan.settings import SCORES
from benchmarks.report import figures
from benchmarks.report.frames import read
from benchmarks.report.frames.trials import chosen
from tests.benchmarks import fake_run
from tests.benchmarks.conftest import cells_of, grid

TRIED = [{"lr": 0.1}, {"lr": 0.3}]


def preset(**variant):
    settings = {"paradigm": "end_to_end", "options": {"width": 4}, "trials": TRIED} | variant
    return grid(["unused"], seeds=2, variants={"net": Variant(**settings)})


def test_every_trial_of_every_seed_is_a_cell_and_one_trial_is_timed():
    cells = cells_of(preset())
    assert [cell.place for cell in cells] == [
        *["net.digits.s0t0", "net.digits.s0t1", "net.digits.s1t0", "net.digits.s1t1", "net.digits.timing"]
    ]
    assert [cell.changes for cell in cells] == [*TRIED, *TRIED, TRIED[0]]
    assert len({cell.key for cell in cells}) == 5 and all(cell.options == {"width": 4} for cell in cells)


def test_a_variant_may_have_a_budget_data_sets_and_scores_of_its_own():
    variants = {
        "a": Variant(paradigm="dbn", budget=3.0, datasets=["digits"], scores=["recognition"]),
        "b": Variant(paradigm="dbn", timed=False),
    }
    changes = {"datasets": ["digits", "mnist"], "budget_of": {"mnist": 10.0}}
    cells = cells_of(grid(["unused"], variants=variants, **changes))
    *quality, timing = cells
    assert [(cell.variant, cell.dataset, cell.budget_flops) for cell in quality] == [
        *[("a", "digits", 3.0), ("b", "digits", 1.0), ("b", "mnist", 10.0)]
    ]
    assert timing.variant == "a"  # the only one that is to be timed
    assert cells[0].scores == ["recognition"] and cells[1].scores == SCORES


def test_a_setting_at_its_default_is_not_part_of_the_key():
    cell = cells_of(preset(trials=[]))[0]
    plain = cell.model_dump(exclude={"trial", "changes", "series", "scores", "nfe_of", "extractors"})
    assert Cell.model_validate(plain).key == cell.key


@pytest.mark.parametrize(
    ("variant", "message"),
    [({"trials": [{"lr": 0.1}, {"rate": 0.3}]}, "option 'rate' is unknown"), ({"datasets": ["mnist"]}, "not in the")],
)
def test_what_cannot_run_is_refused_before_anything_runs(variant, message):
    with pytest.raises(BadInput, match=message):
        prepare(preset(**variant), build=False)


def of_trial(variant: str, repetition: int, trial: int) -> dict:
    record = fake_run.quality(variant, repetition, npz=False)
    record["cell"] |= {"trial": trial, "changes": TRIED[trial]}
    record["key"] = f"{trial}{record['key'][1:]}"
    return record


def tried(repetition: int, trial: int, validation: float, test: float) -> dict:
    record = of_trial("end-to-end", repetition, trial)
    record["quality"] |= {"accuracy": test, "validation_accuracy": validation}
    record["quality"]["recognition"]["accuracy"] = test
    return record


def test_the_best_on_the_validation_split_counts_and_the_test_split_plays_no_part():
    records = [tried(0, 0, 0.97, 0.91), tried(0, 1, 0.95, 0.99), tried(1, 0, 0.9, 0.9), tried(1, 1, 0.93, 0.8)]
    assert chosen(records) == [records[0], records[3]]


def test_the_first_of_equals_counts_and_what_did_not_finish_counts_last():
    equal = [tried(0, 0, 0.9, 0.9), tried(0, 1, 0.9, 0.8)]
    assert chosen(equal) == equal[:1]
    diverged = tried(0, 0, 0.0, 0.0) | {"status": "non_finite", "quality": None}
    assert chosen([diverged, equal[1]]) == [equal[1]]
    assert chosen([diverged]) == [diverged]


def drawn(trial: int, validation: float, test: float) -> dict:
    record = of_trial("meanflow", 0, trial)
    record["quality"] |= {"validation_fid": validation}
    for entry in record["quality"]["samples"]:
        entry["fid"] = test
    return record


@pytest.fixture
def no_figures(monkeypatch):
    monkeypatch.setattr(figures, "write", lambda *_: None)


def test_of_a_generators_trials_the_one_with_the_lowest_validation_fid_counts(tmp_path, no_figures):
    records = [drawn(0, 30.0, 10.0), drawn(1, 20.0, 40.0)]
    assert chosen(records) == records[1:]
    unfinished = drawn(0, 0.0, 0.0) | {"status": "non_finite", "quality": None}
    assert chosen([unfinished, records[0]]) == [records[0]]
    for record in records:
        fake_run.write(tmp_path, record)
    report.write(tmp_path)
    text = (tmp_path / "tables" / "trials.md").read_text()
    assert "validation fid" in text and "validation accuracy" not in text.splitlines()[4] and "20" in text


def test_of_equal_trials_the_one_with_the_lowest_number_counts_whatever_their_keys(tmp_path):
    for trial, key in ((0, "f"), (1, "0")):
        record = tried(0, trial, 0.9, 0.8 + 0.1 * trial)
        fake_run.write(tmp_path, record | {"key": key * 64})
    frames = read(tmp_path)
    assert frames.trials.trial[frames.trials.chosen.astype(bool)].tolist() == [0]
    assert frames.cells.accuracy.tolist() == [0.8]


def test_the_report_has_one_row_per_variant_and_lists_every_trial(tmp_path, no_figures):
    for record in (tried(0, 0, 0.97, 0.91), tried(0, 1, 0.95, 0.99), tried(1, 0, 0.9, 0.9), tried(1, 1, 0.93, 0.8)):
        fake_run.write(tmp_path, record)
    table = report.write(tmp_path)
    assert table.n_seeds.tolist() == [2] and table.accuracy.tolist() == pytest.approx([(0.91 + 0.8) / 2])
    assert table.status.tolist() == ["done"]
    trials = read(tmp_path).trials
    assert trials.chosen.tolist() == [True, False, False, True]
    assert [json.loads(changes) for changes in trials.changes] == TRIED * 2
    text = (tmp_path / "tables" / "trials.md").read_text()
    assert "lr: 0.1" in text and "93.50 %" in text and "chosen" in text
