"""A change of scoring does not train; a change of the code of training, a plug-in's helper included, does."""

import json

import pytest

from benchmarks import cli
from benchmarks.execute import session
from benchmarks.plan import fingerprint
from benchmarks.plan.cell import Cell
from benchmarks.store import records

PRESET = """
description = "one tiny generator"
datasets = ["digits"]
seeds = 1
nfe = [1, 2]
n_samples = 64
limit_seconds = 120
curve_points = 3
curve_nfe = [1]
sample_batch = 64
timing_seconds = 0.02
timing_launches = 0
scores = ["samples"]

[budget_flops]
generation = 2e8
recognition = 2e8

[variants.mine]
paradigm = "{paradigm}"
"""
PARADIGM = """
from helper import RATE
from paradigms.base import Paradigm, Stage
import torch
from torch import nn


class Mine(Paradigm):
    title, era, reference = "mine", "baseline", "none"
    task = "generation"

    def __init__(self, shape, n_classes):
        super().__init__(shape, n_classes)
        self.net = self.alias = nn.Linear(64, 64)

    def stages(self):
        return [Stage("fit", list(self.net.parameters()), self.loss)]

    def loss(self, batch):
        return RATE * (self.net(torch.randn(len(batch.x), 64)) - batch.x.flatten(1)).square().mean()

    def link(self):
        return self.net

    def allows(self, nfe, sampler):
        return nfe == 1

    def sample(self, n, nfe, generator, sampler="default"):
        return self.net(torch.randn(n, 64, generator=generator)).view(n, *self.shape).clamp(-1, 1)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("theirs")
    (folder / "tiny.toml").write_text(PRESET.replace("{paradigm}", str(folder / "mine.py")))
    (folder / "mine.py").write_text(PARADIGM)
    (folder / "helper.py").write_text("RATE = 1.0\n")
    return folder


@pytest.fixture(autouse=True)
def without_reports(monkeypatch, warm_server):
    """No command writes its report, at which no test here looks."""
    monkeypatch.setattr(session, "concluded", lambda *_: "")


def command(*arguments):
    """Execute a command in this process, with the sources as they are now."""
    fingerprint.forget()
    with pytest.raises(SystemExit) as ended:
        cli.main([*map(str, arguments)])
    assert not ended.value.code


def run(place, *changes):
    settings = [part for change in changes for part in ("--set", change)]
    command("run", place / "tiny.toml", "--results", place / "results", "--device", "cpu", *settings)
    return record_of(place)


def rescore(place, *options):
    command("rescore", place / "results", "--paradigm", place / "mine.py", *options)
    return record_of(place)


def record_of(place):
    (record,) = [record for _, record in records.in_folder(place / "results")]
    return record


def numbers(record):
    found = json.loads(json.dumps(record["quality"]))
    for entry in found["samples"]:
        entry.pop("seconds")
    return found


def test_a_change_of_scoring_scores_again_and_a_change_of_training_trains_again(place):
    first = run(place)
    weights = place / "results" / "trained" / first["trained"] / "end.safetensors"
    trained_at = weights.stat().st_mtime_ns
    assert not first["rescored"] and len(first["quality"]["curve"]) == 3

    more = run(place, "n_samples=128")
    assert more["rescored"] and more["train_key"] == first["train_key"] and more["key"] != first["key"]
    assert weights.stat().st_mtime_ns == trained_at
    assert more["quality"]["samples"][0]["n_samples"] == 128 and more["training"] == first["training"]

    back = run(place)  # the numbers of the first run come back from where they were set aside
    assert back == first

    again = rescore(place, "--all")
    assert again["rescored"] and numbers(again) == numbers(first)

    aside = place / "results" / "stale"  # a rescoring that was interrupted goes on where it ended
    (file,) = (place / "results" / "cells").glob("*.json")
    file.rename(aside / file.name)
    assert numbers(rescore(place)) == numbers(first)

    (place / "helper.py").write_text("# comments change nothing\nRATE = 1.0\n")
    assert run(place)["train_key"] == first["train_key"]
    (place / "helper.py").write_text("RATE = 0.5\n")
    changed = run(place)
    assert not changed["rescored"] and changed["train_key"] != first["train_key"]


def test_a_change_of_a_metric_changes_the_score_key_alone(place, monkeypatch):
    path = next((place / "results" / "cells").iterdir())
    cell = Cell.of_record(json.loads(path.read_text()))
    assert cell.score_code == fingerprint.score_code((place / "mine.py").resolve())
    changed = cell.model_copy(update={"score_code": "0" * 64})
    assert changed.train_key == cell.train_key and changed.key != cell.key
