"""A change of scoring does not train; a change of the code of training, a plug-in's helper included, does."""

import json
import os
import subprocess
import sys

import pytest

from benchmarks.plan import fingerprint
from benchmarks.plan.cell import Cell
from benchmarks.store import records
from tests import ROOT

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
paradigm = "mine.py"
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
    for name, text in {"tiny.toml": PRESET, "mine.py": PARADIGM, "helper.py": "RATE = 1.0\n"}.items():
        (folder / name).write_text(text)
    return folder


def command(place, *arguments):
    """Run a command in the folder; its standard error."""
    line = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    env = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": os.environ["HOME"]}  # the scoring networks are there
    ran = subprocess.run(line, cwd=place, env=env, text=True, capture_output=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


def run(place, *changes):
    command(place, "run", "tiny.toml", *(part for change in changes for part in ("--set", change)))
    (record,) = [record for _, record in records.in_folder(place / "results" / "tiny")]
    return record


def numbers(record):
    found = json.loads(json.dumps(record["quality"]))
    for entry in found["samples"]:
        entry.pop("seconds")
    return found


def test_a_change_of_scoring_scores_again_and_a_change_of_training_trains_again(place):
    first = run(place)
    weights = place / "results" / "tiny" / "trained" / first["trained"] / "end.safetensors"
    trained_at = weights.stat().st_mtime_ns
    assert not first["rescored"] and len(first["quality"]["curve"]) == 3

    more = run(place, "n_samples=128")
    assert more["rescored"] and more["train_key"] == first["train_key"] and more["key"] != first["key"]
    assert weights.stat().st_mtime_ns == trained_at
    assert more["quality"]["samples"][0]["n_samples"] == 128 and more["training"] == first["training"]

    back = run(place)  # the numbers of the first run come back from where they were set aside
    assert back == first

    command(place, "rescore", "results/tiny", "--all", "--paradigm", "mine.py")
    (again,) = [record for _, record in records.in_folder(place / "results" / "tiny")]
    assert again["rescored"] and numbers(again) == numbers(first)

    aside = place / "results" / "tiny" / "stale"  # a rescoring that was interrupted goes on where it ended
    (file,) = (place / "results" / "tiny" / "cells").glob("*.json")
    file.rename(aside / file.name)
    command(place, "rescore", "results/tiny", "--paradigm", "mine.py")
    (resumed,) = [record for _, record in records.in_folder(place / "results" / "tiny")]
    assert numbers(resumed) == numbers(first)

    (place / "helper.py").write_text("# comments change nothing\nRATE = 1.0\n")
    assert run(place)["train_key"] == first["train_key"]
    (place / "helper.py").write_text("RATE = 0.5\n")
    changed = run(place)
    assert not changed["rescored"] and changed["train_key"] != first["train_key"]


def test_a_change_of_a_metric_changes_the_score_key_alone(place, monkeypatch):
    path = next((place / "results" / "tiny" / "cells").iterdir())
    cell = Cell.of_record(json.loads(path.read_text()))
    assert cell.score_code == fingerprint.score_code((place / "mine.py").resolve())
    changed = cell.model_copy(update={"score_code": "0" * 64})
    assert changed.train_key == cell.train_key and changed.key != cell.key
