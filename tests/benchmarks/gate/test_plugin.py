"""The author of a plug-in gates his file in his own repository, measured by the installed benchmark."""

import os
import subprocess
import sys

from tests import ROOT
from tests.benchmarks.gate.conftest import PRESET, git

MINE = '''
"""Pixels as independent Gaussians."""

import torch
from torch import nn

from paradigms.base import Paradigm, Stage


class Scale(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.mean, self.log_std = nn.Parameter(torch.zeros(shape)), nn.Parameter(torch.zeros(shape))

    def forward(self, eps):
        return self.mean + self.log_std.exp() * eps


class Mine(Paradigm):
    title, era, reference, task = "Independent pixels", "baseline", "none", "generation"

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


def test_a_plugin_is_compared_with_its_own_main(repository):
    (repository / "tiny.toml").write_text(PRESET.replace("seeds = 1", 'seeds = 1\nextractors = ["cnn"]'))
    (repository / "mine.py").write_text(MINE)
    git(repository, "add", ".")
    git(repository, "commit", "-m", "mine")
    (repository / "mine.py").write_text(MINE.replace("0.5 * ((", "0.6 * (("))
    line = "gate tiny.toml --paradigm mine.py --base main --only identity,counters"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "benchmarks", *line.split()]
    done = subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True)
    assert done.returncode == 3, done.stderr
    said = "**mine**: the loss of update 0 of stage 'likelihood' differs; its images, and the weights before it"
    assert done.stdout.splitlines()[2].startswith(said)
    assert "0 are larger, 0 are smaller" in done.stdout
    assert "bless counters tiny.toml --paradigm mine.py --reason" in done.stdout
    assert len(git(repository, "worktree", "list").splitlines()) == 1
