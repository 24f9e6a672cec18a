"""One new file of under 40 lines, in a folder of its own, is listed, keeps the contract, runs, and is in the report."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import paradigms
from tests.paradigms import contract

ROOT = Path(__file__).parent.parent

NEW_FILE = '''"""Pixels as independent Gaussians: the smallest generator that learns something.

Source: none; a lower bound for the others.
"""

import torch
from torch import nn

from paradigms.base import Paradigm, Stage


class Scale(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.mean, self.log_std = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape))

    def forward(self, eps):
        return self.mean + self.log_std.exp() * eps


class PixelGaussian(Paradigm):
    title = "Independent pixels"
    era = "baseline"
    reference = "none"
    task = "generation"

    def __init__(self, shape, n_classes):
        super().__init__(shape, n_classes)
        self.net = Scale(shape)

    def stages(self):
        return [Stage("likelihood", list(self.net.parameters()), self.loss)]

    def loss(self, batch):
        return (self.net.log_std + 0.5 * ((batch.x - self.net.mean) / self.net.log_std.exp()).square()).mean()

    def link(self):
        return self.net

    def allows(self, nfe, sampler):
        return nfe == 1

    def sample(self, n, nfe, generator, sampler="default"):
        return self.net(torch.randn(n, *self.shape, generator=generator, device=self.device)).clamp(-1, 1)
'''


@pytest.fixture(scope="module")
def new_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("theirs") / "pixel_gaussian.py"
    path.write_text(NEW_FILE)
    return path


def command(*arguments):
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_it_is_under_forty_lines_of_code():
    assert len([line for line in NEW_FILE.splitlines() if line.strip()]) < 40


def test_it_is_listed(new_file):
    assert "Independent pixels" in command("list", "--paradigm", new_file)


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_it_keeps_the_contract(new_file, check, tmp_path):
    check(paradigms.load(str(new_file)))


def test_it_runs_and_is_in_the_table_and_the_figures(new_file, tmp_path):
    settings = [f"{key}={value}" for key, value in {"n_samples": 64, "timing_seconds": 0.02}.items()]
    changes = [part for setting in settings for part in ("--set", setting)]
    command("run", "smoke", "--paradigm", new_file, "--budget", "0.0001", "--results", tmp_path, *changes)
    table = pd.read_csv(tmp_path / "tables" / "comparison.csv")
    assert table.title.tolist() == ["Independent pixels"] and table.nfe.tolist() == [1]
    assert table.loc[0, ["fid", "kid", "train_flops", "sample_ms_per_image", "peak_train_bytes"]].notna().all()
    records = [json.loads(path.read_text()) for path in (tmp_path / "cells").glob("*.json")]
    assert sorted(record["kind"] for record in records) == ["quality", "timing"]
    assert all(record["status"] == "done" for record in records)
    assert "<!-- pixel-gaussian -->" in (tmp_path / "figures" / "fid_vs_nfe.svg").read_text()
