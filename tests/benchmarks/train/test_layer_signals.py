"""Gradient norms and saturation by layer: against autograd and by hand, and that looking changes nothing."""

import pytest
import torch
from torch import nn

from benchmarks.train.layer_signals import signals
from paradigms.base import Batch, Paradigm, Stage
from paradigms.end_to_end import EndToEnd

BATCH = Batch(2 * torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(1)) - 1, torch.arange(40) % 10)


def entered(**options) -> Paradigm:
    torch.manual_seed(0)
    settings = {"network": "mlp", "widths": [20, 12, 9], "dropout": 0.0, "shift": 0.0}
    paradigm = EndToEnd((1, 8, 8), 10, **settings | options)
    paradigm.enter(paradigm.stages()[0], 1)
    return paradigm


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_norms_are_those_of_the_gradient_of_the_loss_layer_by_layer(activation):
    paradigm = entered(activation=activation)
    found = signals(paradigm, paradigm.stage, BATCH)
    paradigm.stage.loss(BATCH).backward()
    layers = [*paradigm.head.layers, paradigm.head.softmax]
    assert [entry["layer"] for entry in found] == [
        *(f"head.layers.{i}.weight" for i in range(3)),
        "head.softmax.weight",
    ]
    for entry, layer in zip(found, layers, strict=True):
        assert entry["gradient_norm"] == pytest.approx(float(layer.weight.grad.norm()), rel=1e-5)


@pytest.mark.parametrize(
    ("activation", "field", "share"),
    [("sigmoid", 2.9, 0.0), ("sigmoid", -3.0, 1.0), ("tanh", 1.45, 0.0), ("tanh", 1.5, 1.0), ("relu", -0.1, 1.0)],
)
def test_a_unit_is_saturated_in_the_outer_twentieths_of_its_range(activation, field, share):
    paradigm = entered(activation=activation, widths=[5])
    paradigm.head.layers[0].weight.data.zero_()
    paradigm.head.layers[0].bias.data.fill_(field)
    hidden, softmax = signals(paradigm, paradigm.stage, BATCH)
    assert hidden["saturated"] == share and softmax["saturated"] is None


def test_looking_leaves_weights_buffers_gradients_mode_and_random_stream_alone():
    paradigm = entered(normalised=True, dropout=0.5)
    before = {name: value.clone() for name, value in paradigm.state_dict().items()}
    stream = torch.get_rng_state()
    paradigm.eval()
    first, again = (signals(paradigm, paradigm.stage, BATCH) for _ in range(2))
    assert first == again and not paradigm.training
    assert torch.equal(stream, torch.get_rng_state())
    assert all(torch.equal(value, before[name]) for name, value in paradigm.state_dict().items())
    assert all(p.grad is None for p in paradigm.parameters())


class Blind(Paradigm):
    title, era, reference, task = "Blind", "other", "none", "recognition"

    def __init__(self):
        super().__init__((1, 8, 8), 10)
        self.used, self.unused = nn.Linear(64, 10), nn.Linear(64, 10)

    def stages(self):
        return [Stage("all", list(self.parameters()), self.loss)]

    def loss(self, batch):
        return nn.functional.cross_entropy(self.used(batch.x.flatten(1)), batch.label)


def test_a_layer_that_the_loss_does_not_reach_has_no_gradient():
    paradigm = Blind()
    paradigm.enter(paradigm.stages()[0], 1)
    used, unused = signals(paradigm, paradigm.stage, BATCH)
    assert used["gradient_norm"] > 0 and unused == {"layer": "unused.weight", "gradient_norm": 0.0, "saturated": None}
