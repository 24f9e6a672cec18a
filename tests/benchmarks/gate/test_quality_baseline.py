"""What a baseline of quality holds, and which candidates are refused."""

import pytest

from benchmarks.errors import BadInput
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.gate.quality import bless
from benchmarks.gate.quality_baseline import candidate, changes, committed
from tests.benchmarks.gate.test_quality import BASE, VARIANTS, WANTED, measure, run


def test_a_candidate_holds_every_value_its_noise_and_the_code():
    made = candidate(WANTED, measure()(VARIANTS, 20), None, 20)
    assert committed(made) == BASE
    assert set(made["noise"]) == {test.key for test in WANTED}
    assert made["noise"]["meanflow fid_ratio@1"]["sd"] == pytest.approx(0.05, rel=0.5)
    assert made["train_code"]["dbn"] == "c0de"


def test_a_failed_cell_is_refused():
    runs = measure()(VARIANTS, 20)
    runs[3] = runs[3] | {"status": "oom", "reason": "no memory"}
    with pytest.raises(BadInput, match="seed 3: oom: no memory"):
        candidate(WANTED, runs, None, 20)


def test_fewer_than_ten_seeds_are_refused(tmp_path):
    with pytest.raises(BadInput, match="at least 10"):
        bless("digits", Tree(tmp_path), GateOptions(tmp_path), seeds=9)


def test_halves_that_differ_are_refused():
    runs = [run(name, seed, factor=1.5 if seed % 2 else 1.0) for name in VARIANTS for seed in range(20)]
    with pytest.raises(BadInput, match="odd and even seeds differ"):
        candidate(WANTED, runs, None, 20)


def test_a_lucky_run_of_the_same_code_is_refused_and_one_of_other_code_is_not():
    old = candidate(WANTED, measure()(VARIANTS, 20), None, 20)
    lucky = measure("meanflow", factor=0.7, stream=1)(VARIANTS, 20)
    with pytest.raises(BadInput, match=r"meanflow fid_ratio@1: better than the baseline by .* a lucky run"):
        candidate(WANTED, lucky, old, 20)
    improved = [one | {"train_code": "0ther"} for one in lucky]
    assert candidate(WANTED, improved, old, 20)["train_code"]["meanflow"] == "0ther"


def test_what_a_blessing_changes_is_told_value_by_value():
    old = candidate(WANTED, measure()(VARIANTS, 20), None, 20)
    fewer = {**old, "values": {key: there for key, there in old["values"].items() if key != "dbn accuracy"}}
    assert changes(old, old) == []
    ((test, before, after),) = changes(old, fewer)
    assert (test, before[:3], after) == ("dbn accuracy", "0.9", "none")
