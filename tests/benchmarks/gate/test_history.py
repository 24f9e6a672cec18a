"""The history of gates: what a line holds, what is drawn, and where a series changes."""

import json

import numpy as np
import pytest

from benchmarks import cli
from benchmarks.errors import BadInput
from benchmarks.gate import chronicle, history
from benchmarks.gate.change_points import change_points
from benchmarks.gate.finding import Finding, Verdict
from benchmarks.gate.history_figures import found_changes
from benchmarks.gate.options import GateOptions

COUNTERS = {"dbn": {"parameters": 100, "update: operations": None}}


def gate(path, commit, ratio=2.0, dirty=False):
    findings = [
        Finding("quality", "dbn", "FID ratio", Verdict.PASS, 2.0, ratio, ratio / 2, 0.9, 1.1),
        Finding("speed", "dbn", "update", Verdict.REGRESSION, effect=1.1, low=1.0, high=1.2, enforced=False),
        Finding("counters", "dbn", "bytes", Verdict.REGRESSION, 7, 8, 8 / 7),
        Finding("identity", "dbn", "first loss", Verdict.INCONCLUSIVE, "a", "b"),
    ]
    history.append(path, history.of_gate("digits", findings, commit, dirty, {"cpu": "x"}, COUNTERS))


def test_a_line_holds_verdicts_primaries_counters_and_speeds(tmp_path):
    gate(tmp_path / "h.jsonl", "c1")
    (entry,) = history.read(tmp_path / "h.jsonl")
    assert entry["verdicts"]["quality"] == {"pass": 1}
    assert entry["counters"] == {"dbn": {"parameters": 100, "bytes": 8}}
    assert entry["quality"][0]["head"] == 2.0
    assert entry["speed"][0]["verdict"] == "regression"
    assert entry["machine"] == {"cpu": "x"} and entry["date"]


def test_series_have_a_value_per_gate_and_none_per_blessing(tmp_path):
    path = tmp_path / "h.jsonl"
    gate(path, "c1")
    history.append(path, history.of_blessing("quality", "digits", "better", "c2"))
    gate(path, "c2", 1.5)
    table = history.series(history.read(path))
    assert table[table.stage == "quality"].value.tolist() == [2.0, 1.5]
    assert table[table.stage == "quality"].entry.tolist() == [0, 2]
    assert table[table.stage == "speed"].value.tolist() == [1.1, 1.1]
    assert set(table[table.stage == "counters"].series) == {"dbn: parameters", "dbn: bytes"}


def test_the_command_draws_every_stage_and_names_the_commit_of_a_change(tmp_path, capsys):
    path = tmp_path / "h.jsonl"
    rng = np.random.default_rng(0)
    for index in range(24):
        gate(path, f"commit{index}", (2.0 if index < 12 else 3.0) + 0.05 * rng.standard_normal(), dirty=index % 2)
    history.append(path, history.of_blessing("quality", "digits", "worse", "commit12"))
    with pytest.raises(SystemExit) as ended:
        cli.main(["history", str(path)])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    assert "never used as a gate" in said
    assert "commit12" in said
    for stage in ("quality", "counters", "speed"):
        assert (tmp_path / f"history-digits-{stage}.png").is_file()


@pytest.mark.parametrize("content", ["", "no json", '{"event": "gate"}', "[1]"])
def test_a_file_that_is_no_history_is_refused_with_its_name(tmp_path, content):
    path = tmp_path / "h.jsonl"
    path.write_text(content)
    with pytest.raises(BadInput, match=r"h\.jsonl"):
        history.read(path)
    with pytest.raises(BadInput, match="none"):
        history.read(tmp_path / "none.jsonl")


def test_non_finite_numbers_are_null(tmp_path):
    gate(tmp_path / "h.jsonl", "c1", float("nan"))
    assert json.loads((tmp_path / "h.jsonl").read_text())["quality"][0]["head"] is None


def test_two_steps_are_two_change_points_at_their_places():
    rng = np.random.default_rng(1)
    levels = np.repeat([0.0, 1.0, -1.0], 15)
    assert change_points(levels + 0.1 * rng.standard_normal(45)) == [15, 30]


def test_noise_alone_seldom_has_a_change_point():
    found = [change_points(np.random.default_rng(seed).standard_normal(20)) for seed in range(40)]
    assert sum(map(bool, found)) <= 2  # at a level of 1 % more than 2 of 40 have a probability of 0.7 %


def test_a_constant_series_has_no_change_point():
    assert change_points([3.0] * 20) == []
    assert change_points([1.0, 2.0]) == []


def test_change_points_are_of_one_preset(tmp_path):
    path = tmp_path / "h.jsonl"
    for _ in range(12):
        gate(path, "c")
    assert found_changes(history.series(history.read(path))) == {}


def test_gates_and_blessings_are_written_to_the_output_folder(tmp_path):
    options = GateOptions(tmp_path / "out")
    chronicle.gated("digits", [Finding("quality", "dbn", "accuracy", Verdict.PASS)], options, tmp_path / "baselines")
    chronicle.blessed("quality", "digits", "first", options)
    first, second = history.read(tmp_path / "out" / history.NAME)
    assert first["verdicts"] == {"quality": {"pass": 1}}
    assert (second["event"], second["kind"], second["reason"]) == ("blessing", "quality", "first")
