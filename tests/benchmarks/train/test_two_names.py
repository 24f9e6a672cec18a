"""A network that a paradigm holds under two names is one network: trained, saved, loaded and started from."""

import torch

from benchmarks.store.trained import Trained
from benchmarks.train.warm_start import adopt
from benchmarks.weights import load, load_into
from paradigms import load as load_paradigm
from tests.benchmarks.train.plug_in import executed, training_cell

TWO_NAMES = """
class TwoNames(Paradigm):
    title, era, reference, task = "One network under two names", "other", "none", "generation"

    def __init__(self, shape, n_classes):
        super().__init__(shape, n_classes)
        self.teacher = nn.Sequential(nn.Linear(64, 16), nn.BatchNorm1d(16), nn.Linear(16, 64))
        self.student = self.teacher

    def stages(self):
        shared = {"batch_size": 32, "ema_decay": 0.9}
        return [Stage("all", list(self.parameters()), self.loss, **shared)]

    def loss(self, batch):
        x = batch.x.flatten(1)
        return (self.student(x + torch.randn_like(x)) - x).square().mean()

    def link(self):
        return self.student
"""


def trained(tmp_path, name="two_names.py", **changes):
    cell = training_cell(tmp_path / name, TWO_NAMES, **changes)
    record = executed(cell, tmp_path)
    assert record["status"] == "done", record["reason"]
    return cell, Trained(tmp_path, cell.trained_stem).file()


def built(cell):
    torch.manual_seed(1)
    return load_paradigm(cell.paradigm)((1, 8, 8), 10)


def test_it_is_saved_once_and_loaded_under_both_names_and_stays_one_network(tmp_path):
    cell, path = trained(tmp_path)
    untrained, found = built(cell), built(cell)
    load_into(found, path, "cpu")
    weights = load(path, "cpu")
    assert set(weights) == set(found.state_dict())
    assert path.stat().st_size < 1.5 * sum(p.nbytes for p in found.parameters()) + 4096
    assert found.teacher is found.student
    for name, value in found.student.state_dict().items():
        assert torch.equal(value, weights[f"teacher.{name}"]) and torch.equal(value, weights[f"student.{name}"])
    assert not torch.equal(found.student[0].weight, untrained.student[0].weight)


def test_another_cell_starts_from_it(tmp_path):
    parent, path = trained(tmp_path)
    child = built(parent)
    adopt(child, load(path, "cpu"), parent.trained_stem)
    weights = load(path, "cpu")
    assert all(torch.equal(value, weights[name]) for name, value in child.state_dict().items())
    cell, end = trained(tmp_path, ancestor=parent.trained_stem, budget_flops=3e7)
    assert not torch.equal(load(end, "cpu")["student.0.weight"], weights["student.0.weight"])
    assert cell.ancestor == parent.trained_stem
