"""A paradigm that holds a scoring network is refused, in whatever attribute it holds it."""

import copy

import pytest
import torch
from torch import nn

from benchmarks.errors import BadInput
from benchmarks.score.extractors.extractor import Extractor
from benchmarks.score.leakage_guard import refuse_shared
from paradigms.base import Paradigm


class Flat(nn.Module):
    def forward(self, images):
        return images.flatten(1).float()


def network(seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(Flat(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))


@pytest.fixture
def scorer() -> Extractor:
    return Extractor("digits-cnn", network(0), 1, {"scale": 2.0})


def holding(attribute, thing) -> Paradigm:
    paradigm = Paradigm((1, 2, 2), 2)
    torch.manual_seed(9)
    paradigm.net = nn.Linear(4, 3)
    setattr(paradigm, attribute, thing)
    return paradigm


@pytest.mark.parametrize(
    "how",
    [
        lambda scorer: scorer,
        lambda scorer: copy.deepcopy(scorer.network),
        lambda scorer: scorer.network[:2],  # the part that makes the features
        lambda scorer: nn.ModuleDict({"features": nn.Sequential(nn.Flatten(), scorer.network[1])}),
        lambda scorer: scorer.network.double(),
        lambda scorer: [scorer],  # not registered
        lambda scorer: {"loss": (1, scorer.network)},
    ],
    ids=["itself", "copy", "features", "wrapped", "float64", "list", "dict"],
)
def test_a_paradigm_with_a_scoring_network_is_refused_in_one_line(scorer, how):
    name = f"digits-cnn-{scorer.hash[:8]}"
    with pytest.raises(BadInput, match=f"scoring network {name}; a loss must use another") as error:
        refuse_shared(holding("loss_network", how(scorer)), [scorer])
    assert str(error.value).startswith("Paradigm.loss_network.") and "\n" not in str(error.value)


def test_a_paradigm_with_a_scoring_networks_weights_as_a_parameter_is_refused(scorer):
    with pytest.raises(BadInput, match=r"^Paradigm\.W "):
        refuse_shared(holding("W", nn.Parameter(scorer.network[1].weight.clone())), [scorer])


def test_the_second_scoring_network_is_refused_too(scorer):
    with pytest.raises(BadInput, match="digits-autoencoder"):
        refuse_shared(
            holding("x", network(1)), [scorer, Extractor("digits-autoencoder", network(1), 1, {"scale": 1.0})]
        )


def test_another_network_of_the_same_architecture_is_allowed(scorer):
    refuse_shared(holding("loss_network", network(1)), [scorer])
    with torch.no_grad():
        for one in (scorer.network, twin := network(1)):
            one[3].weight.zero_()
    refuse_shared(holding("loss_network", twin), [scorer])  # constant weights are ignored
