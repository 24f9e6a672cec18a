"""The command `bless`: what it writes, and what it refuses; the measurements are made up."""

import json

from benchmarks.gate import baseline, blessing, launch, run
from benchmarks.gate.blessing import PARTS
from tests.benchmarks.gate.conftest import HEAVIER, RELABELLED, git, measured


def test_a_blessing_names_commit_and_reason_and_is_one_value_a_line(blessed, repository):
    path = repository / "results/baseline/tiny/counters.json"
    content = json.loads(path.read_text())
    assert content["commit"] == git(repository, "rev-parse", "HEAD") and content["reason"] == "first"
    assert content["machine"] == baseline.machine_class(1)
    assert '   "parameters": 10,\n' in path.read_text()
    assert [content["values"][name]["update of stage 'flow': peak bytes"] for name in "ab"] == [None, None]


def test_a_dry_run_prints_what_changes_and_writes_nothing(blessed, trees, repository):
    before = (repository / "results/baseline/tiny/counters.json").read_bytes()
    trees["head"]["b"] = HEAVIER
    code, out, _ = blessed("bless counters tiny.toml --reason wider --dry-run")
    assert code == 0 and "parameters" in out and "+10 %: larger" in out and "nothing was written" in out
    assert (repository / "results/baseline/tiny/counters.json").read_bytes() == before


def test_a_blessing_of_one_variant_keeps_the_others(blessed, trees, repository):
    trees["head"] = {"a": HEAVIER}
    assert blessed("bless counters tiny.toml --reason wider --paradigm a")[0] == 0
    values = json.loads((repository / "results/baseline/tiny/counters.json").read_text())["values"]
    assert (values["a"]["parameters"], values["b"]["parameters"]) == (11, 10)


def test_a_blessing_of_one_variant_keeps_the_noise_and_the_code_of_the_others(blessed, monkeypatch, repository):
    def bless(preset, tree, options, old):
        names = options.paradigm or ("a", "b")
        return {"quality": {part: {name: {"0": len(names)} for name in names} for part in PARTS}}

    monkeypatch.setattr(blessing, "_of_stage", lambda kind, *arguments: bless(*arguments))
    monkeypatch.setattr(run, "available", lambda: ["counters", "quality"])
    assert blessed("bless quality tiny.toml --reason all")[0] == 0
    assert blessed("bless quality tiny.toml --reason one --paradigm a")[0] == 0
    content = json.loads((repository / "results/baseline/tiny/quality.json").read_text())
    assert all(content[part] == {"a": {"0": 1}, "b": {"0": 2}} for part in PARTS)


def test_a_blessing_refuses_changes_that_are_not_committed(blessed, repository):
    (repository / "new.py").write_text("")
    code, _, errors = blessed("bless counters tiny.toml --reason x")
    assert code == 2 and "has changes (?? new.py); commit them first" in errors[0]


def test_a_blessing_refuses_a_failed_variant(command, trees):
    trees["head"] = {"a": measured(), "b": {"failed": "ValueError: no"}}
    code, _, errors = command("bless counters tiny.toml --reason x")
    assert code == 2 and "b: failed: ValueError: no" in errors[0]


def test_a_blessing_refuses_a_trace_that_does_not_repeat(command, trees, monkeypatch):
    trees["head"] = {"a": measured()}
    monkeypatch.setattr(launch, "again", lambda *_: {"a": RELABELLED})
    code, _, errors = command("bless counters tiny.toml --reason x")
    assert code == 2 and "two measurements of one tree differ: the training labels differ" in errors[0]
