"""Mismatch of the samplers of the project: fields that each must have, and the inputs of layers."""

import pytest
import torch
from torch import nn

import paradigms
from benchmarks.fit import Fit
from benchmarks.score.mismatch import mismatch
from benchmarks.score.mismatch.mismatch import measure_mismatch
from paradigms.base import Batch
from tests.paradigms import contract


def images(n=240):
    generator = torch.Generator().manual_seed(0)
    x = (torch.rand(n, *contract.SHAPE, generator=generator) * torch.linspace(0, 1, 8)) * 2 - 1
    return Batch(x, torch.randint(contract.N_CLASSES, (n,), generator=generator))


@pytest.fixture(scope="module", params=[name for name in paradigms.names() if paradigms.load(name).can("sample")])
def drawn(request):
    """A paradigm of the project after a few updates, and its mismatch at 4 evaluations."""
    torch.manual_seed(0)
    paradigm = paradigms.load(request.param)(contract.SHAPE, contract.N_CLASSES)
    paradigm.observe(*images())
    Fit(paradigm, *images(), [3] * len(paradigm.stages()))()
    return paradigm, measure_mismatch(paradigm, *images(), longest(paradigm))


def longest(paradigm) -> int:
    """4 evaluations, or the one of a paradigm that has no longer chain."""
    return 4 if paradigm.allows(4, paradigm.samplers[0]) else 1


def test_every_sampler_of_the_project_starts_from_noise_and_has_an_entry_per_step(drawn):
    paradigm, found = drawn
    assert found["start"]["from_noise"] is True
    # A chain whose states data cannot give, as it has no way up, has no errors along it.
    n_steps = longest(paradigm) + 1 if paradigm.can("on_data") else 0
    assert [step["step"] for step in found["steps"]] == list(range(n_steps))
    assert (found["amplification"] is None) == (found["reason"] is not None)
    for step in found["steps"]:
        assert {key for key, value in step.items() if value is None} <= {
            *({"modular_error", "modular_noise"} if step["step"] == 0 else ()),
            *({"norm_ratio"} if step["step"] == longest(paradigm) else ()),
            *("on_policy_residual", "off_policy_residual"),
        }


def test_measuring_mismatch_is_deterministic_and_changes_no_state(drawn):
    paradigm, found = drawn
    before, state = {k: v.clone() for k, v in paradigm.state_dict().items()}, torch.random.get_rng_state()
    assert measure_mismatch(paradigm, *images(), longest(paradigm)) == found
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(value, before[key]) for key, value in paradigm.state_dict().items())


@pytest.mark.parametrize("name", ["diffusion", "meanflow", "unrolled", "sdae"])
def test_steps_of_the_chain_equal_those_of_the_sampler(name):
    torch.manual_seed(0)
    paradigm = paradigms.load(name)(contract.SHAPE, contract.N_CLASSES).eval()
    for parameter in paradigm.parameters():
        nn.init.normal_(parameter, std=0.1)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        state = mismatch.first_states(paradigm, 6, 3, paradigm.samplers[0], generator)
        for step in range(3):
            state = paradigm.chain_step(state, step, 3, generator, paradigm.samplers[0])
        end = paradigm.sample(6, 3, torch.Generator().manual_seed(1), paradigm.samplers[0])
    if name == "sdae":  # `sample` returns the mean from which the state is drawn
        units = (end.flatten(1) + 1) / 2
        assert (units - state).abs().mean() < 0.5 and set(state.unique().tolist()) == {0, 1}
    else:
        assert torch.allclose(state.clamp(-1, 1), end, atol=1e-6)


def test_labels_of_a_clamped_chain_do_not_change_and_its_states_are_binary():
    torch.manual_seed(0)
    dbn = paradigms.load("dbn")(contract.SHAPE, contract.N_CLASSES)
    generator = torch.Generator().manual_seed(1)
    states = dbn.on_data(*images(8), 0, 4, generator)
    after = dbn.chain_step(states, 0, 4, generator, "default")
    assert torch.equal(after[:, -contract.N_CLASSES :], states[:, -contract.N_CLASSES :])
    assert set(after.unique().tolist()) == {0, 1} and not torch.equal(after, states)


def test_layers_trained_alone_are_compared_by_their_inputs_in_training_and_sampling(drawn):
    paradigm, found = drawn
    expected = {"DBN": {"rbms.0", "top"}, "SDAE": {"trained_chain.layers.0", "trained_chain.layers.1"}}
    assert {entry["layer"] for entry in found["layers"]} == expected.get(type(paradigm).__name__, set())
    assert all(entry["floor"] > 0 and 0 <= entry["fed_mean"] <= 1 for entry in found["layers"])


def test_a_chain_that_feeds_a_layer_other_codes_is_detected_at_that_layer():
    torch.manual_seed(0)
    dbn = paradigms.load("dbn")(contract.SHAPE, contract.N_CLASSES)
    dbn.observe(*images())
    Fit(dbn, *images(), [60, 240, 1])()

    def shift():
        entries = measure_mismatch(dbn, *images(), 8)["layers"]
        return next(entry for entry in entries if entry["layer"] == "rbms.0")

    sound = shift()
    with torch.no_grad():
        dbn.top.vbias[: -contract.N_CLASSES] += 3.0
    assert sound["shift"] < 0.1 < 0.2 < shift()["shift"] and shift()["trained_mean"] == sound["trained_mean"]
