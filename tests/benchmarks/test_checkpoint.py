"""A checkpoint comes back to the bit; a damaged one, or another training's, is set aside and training starts again."""

import contextlib
import json
import math

import numpy as np
import pytest
import torch

from benchmarks import checkpoint
from benchmarks.fit import Fit
from tests.benchmarks.test_fit import TwoLines

CPU = torch.device("cpu")
STATE = {
    "stage": 1,
    "seconds": 0.1 + 0.2,
    "points": [3, 4],
    "progress": {"weights": {"a.b": torch.randn(3, 4)}, "averages": [torch.zeros(2)], "betas": (0.9, 0.999)},
    "optimizer": {0: {"step": torch.tensor(7.0), "exp_avg": torch.randn(5).double()}, "lr": None},
    "odd": [math.inf, -0.0, True, "ü", torch.zeros(0, 3), torch.randn(4, 4).t(), {}],
}


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(10, 1, 2, 2, generator=generator), torch.randint(3, (10,), generator=generator)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "checkpoint"


def killed(path, batch, key="a"):
    """Train and stop after a checkpoint in the second stage; the path of the checkpoint."""

    class Killed(Exception):
        pass

    def die(stage, update):
        if (stage, update) == (1, 9):
            raise Killed

    settings = {"points": [[], [5, 9]], "evaluate": lambda *_: {}, "progress": die}
    with contextlib.suppress(Killed):
        Fit(TwoLines(), *batch, [12, 12], checkpoint=path, key=key, **settings)()
    return path


def resumed(path, batch, key="a"):
    paradigm = TwoLines()
    fit = Fit(paradigm, *batch, [12, 12], checkpoint=path, key=key, points=[[], [5, 9]], evaluate=lambda *_: {})
    seen = []
    fit.progress = lambda stage, update: seen.append((stage, update))
    fit()
    return seen[0], paradigm.state_dict()


def test_a_state_comes_back_to_the_bit(path):
    checkpoint.save(path, STATE, "a")
    found = checkpoint.load(path, "a", CPU)
    assert repr(found) == repr(STATE)
    assert found["optimizer"][0]["exp_avg"].dtype == torch.float64


def test_training_resumes_from_it_and_ends_in_the_same_weights(path, batch):
    start, weights = resumed(killed(path, batch), batch)
    assert start[0] == 1 and start[1] > 0
    again, whole = resumed(path.with_name("none"), batch)
    assert again == (0, 0)
    assert all(torch.equal(value, whole[name]) for name, value in weights.items())


def test_a_checkpoint_of_another_training_is_set_aside(path, batch, capsys):
    start, _ = resumed(killed(path, batch, key="b"), batch, key="a")
    assert start == (0, 0) and path.with_name("checkpoint.damaged").exists()
    (line,) = capsys.readouterr().out.splitlines()
    assert "checkpoint is set aside" in line and "starts from the beginning" in line


def test_every_damage_starts_training_again_with_one_line_and_equal_weights(path, batch, capsys):
    content = killed(path, batch).read_bytes()
    _, whole = resumed(path.with_name("none"), batch)
    random = np.random.RandomState(0)
    damaged = [b"", b"\n", content[:-1], content[: len(content) // 2], content + b" ", bytes(len(content))]
    for place in random.randint(len(content), size=12):
        damaged.append(content[:place] + bytes([content[place] ^ (1 << random.randint(8))]) + content[place + 1 :])
    for bad in damaged:
        path.write_bytes(bad)
        capsys.readouterr()
        start, weights = resumed(path, batch)
        assert start == (0, 0) and len(capsys.readouterr().out.splitlines()) == 1
        assert all(torch.equal(value, whole[name]) for name, value in weights.items())


def test_a_file_with_a_right_checksum_and_another_content_is_set_aside(path, capsys):
    for content in (b"", b"\xff" * 100, json.dumps({}).encode().rjust(40)):
        path.write_bytes(checkpoint._hash(content, "a") + b"\n" + content)
        assert checkpoint.load(path, "a", CPU) is None
        assert len(capsys.readouterr().out.splitlines()) == 1


def test_what_is_no_tensor_or_plain_value_is_refused_and_training_goes_on_without(path, batch, capsys, monkeypatch):
    with pytest.raises(TypeError, match="not set"):
        checkpoint.save(path, {"a": {1}}, "a")
    monkeypatch.setattr(TwoLines, "snapshot", lambda self: {"weights": {1, 2}})
    killed(path, batch)
    assert not path.exists() and "no checkpoint is kept" in capsys.readouterr().out
