"""A record says in which precision its networks ran, not which one was requested."""

import pytest

from benchmarks.store import records
from tests.benchmarks.train.plug_in import executed, training_cell

SHARED_NETWORK = """
from paradigms.parts.networks.residual_mlp import ResidualMLP

class Shared(Paradigm):
    title, era, reference, task = "With a shared network", "other", "none", "generation"

    def __init__(self, shape, n_classes):
        super().__init__(shape, n_classes)
        self.net = ResidualMLP(shape, width=8, depth=1)

    def stages(self):
        return [Stage("all", list(self.parameters()), self.loss, batch_size=32)]

    def loss(self, batch):
        t = torch.rand(len(batch.x))
        return (self.net(batch.x, t, t) - batch.x).square().mean()
"""
PLAIN = """
class Plain(Paradigm):
    title, era, reference, task = "Without a shared network", "other", "none", "recognition"

    def __init__(self, shape, n_classes):
        super().__init__(shape, n_classes)
        self.head = nn.Linear(64, n_classes)

    def stages(self):
        return [Stage("all", list(self.parameters()), self.loss, batch_size=32)]

    def loss(self, batch):
        return nn.functional.cross_entropy(self.head(batch.x.flatten(1)), batch.label)
"""


@pytest.mark.parametrize(
    ("text", "compute", "precision"),
    [
        (SHARED_NETWORK, [], "float32"),
        (SHARED_NETWORK, ["bfloat16"], "bfloat16 autocast"),
        (PLAIN, ["bfloat16"], "float32"),
    ],
)
def test_the_precision_is_that_of_the_networks_that_ran(tmp_path, text, compute, precision):
    record = executed(training_cell(tmp_path / "mine.py", text, compute=compute), tmp_path)
    assert record["status"] == "done", record["reason"]
    assert record["provenance"]["precision"] == precision


def test_a_cell_that_built_no_network_has_no_precision(tmp_path):
    cell = training_cell(tmp_path / "mine.py", PLAIN, data_hash="other")
    record = executed(cell, tmp_path)
    assert record["status"] == "failed" and record["provenance"]["precision"] is None
    assert records.read(records.path_of(tmp_path, cell)) == record
