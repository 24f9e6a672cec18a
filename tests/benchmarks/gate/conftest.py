"""Measurements of made-up variants, and git repositories, for tests of the gate."""

import copy
import subprocess

import pytest

from benchmarks import cli
from benchmarks.gate import launch, revision

UPDATE = "batch b{0} loss 0.{0} gradient 1.{0} weights w{0} averages a{0}"
MEASURED = {
    "identity": {
        "settings": {"options": {}, "paradigm": "diffusion"},
        "data": {"training images": "x", "training labels": "y"},
        "start": {"net.weight": "s", "net.bias": "t"},
        "stages": [
            {
                "name": "flow",
                "updates": [UPDATE.format(i) for i in range(3)],
                "tensors": {"net.weight": "u v", "net.bias": "p q"},
                "evaluated": "e",
            }
        ],
        "samples": {"euler at 1 NFE": {"images": "i", "mean": 0.0}},
        "scores": {"exact": "h", "samples / euler at 1 NFE / fid": 3.5},
        "broken": {"training": "NonFinite: loss is nan"},
        "plan": {"flow": {"updates": 100, "batch_size": 64}},
    },
    "counters": {
        "parameters": 10,
        "update of stage 'flow': FLOPs": 1000,
        "update of stage 'flow': operations": 50,
        "update of stage 'flow': peak bytes": None,
    },
}


def measured(**changes):
    """A measurement with some of its values replaced: `identity__data__training_images="z"`."""
    found = copy.deepcopy(MEASURED)
    for path, value in changes.items():
        *parents, last = path.split("__")
        place = found
        for parent in parents:
            place = place[parent.replace("_", " ")] if parent.replace("_", " ") in place else place[parent]
        place[last if last in place else last.replace("_", " ")] = value
    return found


PRESET = """
description = "one variant"
datasets = ["digits"]
seeds = 1
nfe = [1]
limit_seconds = 10
curve_points = 1
curve_nfe = [1]
sample_batch = 8
timing_seconds = 0.1
budget_flops = { generation = 1.0, recognition = 1.0 }

[variants.a]
paradigm = "diffusion"

[variants.b]
paradigm = "diffusion"
"""
HEAVIER = measured(counters__parameters=11)
LIGHTER = measured(counters__parameters=9)
RELABELLED = measured(identity__data__training_labels="z")


def git(folder, *arguments):
    """Runs git in a folder as somebody; returns its output."""
    who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(["git", *who, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    """A git repository with one commit."""
    folder = tmp_path / "repository"
    folder.mkdir()
    (folder / "mine.py").write_text('class Mine:\n    title = "Mine"\n    task = "generation"\n')
    git(folder, "init")
    git(folder, "add", ".")
    git(folder, "commit", "-m", "first")
    return folder


@pytest.fixture
def trees(monkeypatch):
    """Source root -> what measuring it gives, a dictionary or an error; "base" stands for every other root."""
    found = {}

    def fake(root, preset, tree, options):
        value = found["head" if root == tree.head else "base"]
        if isinstance(value, Exception):
            raise value
        return copy.deepcopy(value)

    monkeypatch.setattr(launch, "_measured", fake)
    launch.head.cache_clear()
    launch.base.cache_clear()
    yield found
    launch.head.cache_clear()
    launch.base.cache_clear()


@pytest.fixture
def command(monkeypatch, capsys, repository, trees):
    """Runs a command line in a repository with a preset; returns exit code, output, error lines."""
    (repository / "tiny.toml").write_text(PRESET)
    (repository / ".gitignore").write_text("results/gate\n")
    git(repository, "add", ".")
    git(repository, "commit", "-m", "preset")
    monkeypatch.chdir(repository)
    monkeypatch.setattr(revision, "INSTALLED", repository)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    def call(line):
        launch.head.cache_clear()
        launch.base.cache_clear()
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            cli.main(line.split())
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err.splitlines()

    return call


@pytest.fixture
def blessed(command, trees):
    """`command`, after two equal variants have been blessed."""
    trees["head"] = {"a": measured(), "b": measured()}
    assert command("bless counters tiny.toml --reason first")[0] == 0
    return command
