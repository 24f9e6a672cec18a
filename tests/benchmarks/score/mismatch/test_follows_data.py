"""Samples that follow single training images, against samplers of the project and samples that follow statistics."""

from inspect import signature

import pytest
import torch

import paradigms
from benchmarks.fit import Fit
from benchmarks.score.marks import FROM_DATA, MAX_EXCHANGE, MAX_REMOVAL, marks
from benchmarks.score.mismatch.follows_data import data_dependence
from benchmarks.score.mismatch.mismatch import measure_mismatch
from tests.benchmarks.score import disguises

SAMPLERS = [name for name in paradigms.names() if paradigms.load(name).can("sample")]


def dependence(cls, nfes=(1, 2, 8), **options):
    untrained, trained = (disguises.build(cls, **options) for _ in range(2))
    Fit(trained, *disguises.images(), [3] * len(trained.stages()))()
    chains = [(sampler, nfe) for sampler in trained.samplers for nfe in nfes if trained.allows(nfe, sampler)]
    return data_dependence(trained.eval(), untrained, *disguises.images(), chains)


@pytest.mark.parametrize("start", ["drawn", "nearest"])
def test_a_chain_from_training_images_is_marked_though_its_first_call_is_on_noise(start):
    cls = disguises.load("from_data")
    found = dependence(cls, [2, 8], start=start)
    assert all(changes["change_by_removal"] > 0.1 for changes in found)
    # Exchanging images leaves the nearest one what it is.
    assert all((changes["change_by_exchange"] > 0.1) == (start == "drawn") for changes in found)
    assert measure_mismatch(disguises.build(cls, start=start), *disguises.images(), 4)["start"]["from_noise"]
    entries = [{"sampler": "default", "nfe_asked": 2, "nfe": 2.0, **changes} for changes in found]
    assert [mark["mark"] for mark in marks({"samples": entries})] == [FROM_DATA] * 2


@pytest.mark.parametrize("start", ["mean", "covariance"])
def test_a_chain_from_statistics_of_the_training_images_is_not_marked(start):
    for changes in dependence(disguises.load("from_data"), [2, 8], start=start):
        assert changes["change_by_exchange"] < MAX_EXCHANGE / 10 and changes["change_by_removal"] < MAX_REMOVAL / 5


@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers_of_the_project_do_not_depend_on_single_training_images(name):
    small = {"backbone": "mlp", "width": 32} if "backbone" in signature(paradigms.load(name)).parameters else {}
    assert max(max(changes.values()) for changes in dependence(paradigms.load(name), **small)) < MAX_EXCHANGE / 10


def test_a_network_scaled_by_the_data_is_not_marked():
    cls = paradigms.load("diffusion")
    found = dependence(cls, backbone="mlp", width=32, formulation="edm")
    assert max(max(changes.values()) for changes in found) < MAX_EXCHANGE / 10


def test_images_that_a_stage_keeps_when_it_begins_are_found():
    class Kept(disguises.load("from_data")):
        start_images = None

        def stages(self):
            return [stage.__class__(**{**vars(stage), "begin": self.keep}) for stage in super().stages()]

        def keep(self):
            self.start_images = self.data.clone()

        def images(self, eps, generator):
            kept = torch.zeros_like(self.data) if self.start_images is None else self.start_images
            return kept[torch.randint(len(kept), (len(eps),), generator=generator)]

    assert dependence(Kept, [2])[0]["change_by_exchange"] > 0.1


def test_the_paradigms_and_the_random_state_are_left_as_they_were():
    paradigm = disguises.build(disguises.load("from_data"))
    before, state = paradigm.data.clone(), torch.random.get_rng_state()
    data_dependence(paradigm, paradigm, *disguises.images(), [("default", 2)])
    assert torch.equal(before, paradigm.data) and torch.equal(state, torch.random.get_rng_state())
