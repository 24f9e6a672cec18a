"""The deep belief network: training data of each stage, parameters that each stage trains, and sampling."""

import pytest
import torch

from paradigms.base import Batch
from paradigms.dbn import DBN
from paradigms.parts.networks.recogniser import Recogniser
from paradigms.parts.rbm.binary_units import to_units
from tests.paradigms.solving import solve

SHAPE, N_CLASSES = (1, 4, 4), 3


def build(**options) -> DBN:
    torch.manual_seed(0)
    dbn = DBN(SHAPE, N_CLASSES, **{"widths": (12, 10, 8), "n_chains": 20, **options})
    dbn.observe(*data())
    return dbn.eval()


def data(n: int = 60) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return 2 * torch.rand(n, *SHAPE, generator=generator) - 1, torch.arange(n) % N_CLASSES


def draw(dbn: DBN, nfe: int = 3, seed: int = 0, n: int = 9) -> torch.Tensor:
    return dbn.sample(n, nfe, torch.Generator().manual_seed(seed))


def test_stages_are_one_per_rbm_then_fine_tuning():
    assert [stage.name for stage in build().stages()] == ["rbm 1", "rbm 2", "top rbm", "fine-tuning"]


def test_fine_tuning_leaves_the_generator_bit_equal_and_trains_its_own_copy():
    dbn = build()
    *greedy, fine_tuning = dbn.stages()
    for stage in greedy:
        solve(dbn, stage, Batch(*data()))
    generator = {name: p.clone() for name, p in dbn.named_parameters() if not name.startswith("recogniser")}
    solve(dbn, fine_tuning, Batch(*data()))
    for name, value in generator.items():
        assert torch.equal(dict(dbn.named_parameters())[name], value), name
    for layer, rbm in zip(dbn.recogniser.layers, dbn.rbms, strict=False):
        assert not torch.equal(layer.weight, rbm.W.T)


def test_fine_tuning_starts_at_the_features_of_the_rbms():
    dbn = build()
    for stage in dbn.stages()[:-1]:
        solve(dbn, stage, Batch(*data()))
    dbn.begin_fine_tuning()
    v = (data()[0].flatten(1) + 1) / 2
    for rbm in dbn.rbms:
        v = rbm.h_given_v(v)
    top = torch.sigmoid(v @ dbn.top.W[:-N_CLASSES] + dbn.top.hbias)
    torch.testing.assert_close(dbn.features(data()[0]), top)


def test_a_recogniser_with_fewer_layers_than_were_pre_trained_is_refused():
    dbn = build()
    dbn.recogniser = Recogniser([16, 12, 10], N_CLASSES)
    with pytest.raises(ValueError, match=r"shorter|longer"):
        dbn.begin_fine_tuning()


def test_rbms_are_trained_on_binary_states():
    dbn = build()
    for depth in (0, 1, 2):
        states = dbn.rbms.up(dbn.below(depth, data()[0]), depth)
        assert set(states.unique().tolist()) <= {0.0, 1.0}


@pytest.mark.parametrize(("climb", "deterministic"), [("means", True), ("states", False)])
def test_states_of_the_top_rbm_average_to_the_deterministic_pass_only_where_means_are_passed_up(climb, deterministic):
    dbn, x = build(climb=climb), data()[0][:1].repeat(4000, 1, 1, 1)
    for rbm in dbn.rbms:
        rbm.W.data.mul_(300)  # far from linear, where E[f(samples)] differs from f(E[samples])
    states = dbn.top_states(x, torch.zeros(4000, dtype=torch.int64))[:, : dbn.n_units]
    assert set(states.unique().tolist()) == {0.0, 1.0}
    gap = states.mean(0) - dbn.rbms.means(to_units(x[:1]))[0]
    # The mean of 4000 coins has a sd of at most 0.008.
    assert (gap.abs().max() < 0.04) == deterministic


def test_states_of_the_pixels_have_the_pixels_as_mean():
    v = torch.linspace(0, 1, 16).repeat(4000, 1)
    states = build().below(0, 2 * v.view(4000, *SHAPE) - 1)
    # The mean of 4000 coins has a sd of at most 0.008.
    torch.testing.assert_close(states.mean(0), v[0], atol=0.04, rtol=0)


def test_top_states_end_with_the_label():
    dbn, (x, label) = build(), data()
    assert torch.equal(dbn.top_states(x, label)[:, -N_CLASSES:].argmax(1), label)


def test_persistent_chains_advance_with_each_update_and_are_in_the_state_dict():
    dbn = build()
    dbn.begin_top()
    before = dbn.chains.h.clone()
    dbn.top_loss(Batch(*data()))
    assert not torch.equal(dbn.chains.h, before)
    assert torch.equal(dbn.state_dict()["chains.h"], dbn.chains.h)


@pytest.mark.parametrize("chains", ["persistent", "data", "noise"])
@pytest.mark.parametrize("centred", [False, True])
def test_the_top_rbm_gives_its_data_a_lower_free_energy_than_noise_with_every_kind_of_chain(chains, centred):
    dbn = build(chains=chains, centred=centred, sweeps=(1, 5, 1))
    x, label = data()
    x = torch.where(label[:, None, None, None] > 0, 1.0, -1.0).expand_as(
        x
    )  # one bit of information: all pixels are equal
    dbn.observe(x, label)
    for stage in dbn.stages()[:-1]:
        solve(dbn, stage, Batch(x, label), 200)
    noise, seen = dbn.top.noise(200), dbn.top_states(x, label)
    difference = dbn.top.free_energy(noise).mean() - dbn.top.free_energy(seen).mean()
    assert difference > 2  # nats


def test_evaluation_does_not_advance_the_chains():
    dbn = build()
    before = dbn.chains.h.clone()
    draw(dbn)
    dbn.logits(data()[0])
    assert torch.equal(dbn.chains.h, before)


def test_contrastive_divergence_starts_at_the_data():
    dbn = build()
    dbn.rbms[0].W.data.zero_()
    dbn.rbms[0].vbias.data.fill_(30.0)  # every reconstruction is all ones, whatever the data
    dark = Batch(-torch.ones(7, *SHAPE), torch.zeros(7, dtype=torch.int64))
    loss = dbn.greedy_loss(0, dark)
    torch.testing.assert_close(loss, torch.tensor(16 * 30.0))  # F(dark) - F(ones) = 16 vbias


def record_labels(dbn: DBN) -> list[torch.Tensor]:
    seen: list[torch.Tensor] = []
    dbn.top.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0][:, -N_CLASSES:].clone()))
    return seen


def test_a_clamped_label_stays_through_the_chain():
    dbn = build()
    dbn.top.W.data.mul_(300)
    seen = record_labels(dbn)
    draw(dbn, nfe=5, n=200)
    assert all(torch.equal(label, seen[0]) for label in seen) and len(seen) == 5
    assert set(seen[0].argmax(1).tolist()) == {0, 1, 2}


def test_without_label_units_no_label_is_returned():
    assert build(labels="none").sample_labelled(9, 2, torch.Generator().manual_seed(0))[1] is None


def test_the_label_that_is_returned_is_the_one_that_was_clamped():
    dbn = build()
    seen = record_labels(dbn)
    _, label = dbn.sample_labelled(9, 2, torch.Generator().manual_seed(0))
    assert torch.equal(label, seen[-1].argmax(1))


def test_one_evaluation_is_one_sweep_of_the_link():
    dbn, rows = build(), []
    dbn.link().register_forward_hook(lambda module, arguments, output: rows.append(len(arguments[0])))
    draw(dbn, nfe=7, n=4)
    assert rows == [4] * 7


def test_samples_start_from_noise_and_depend_on_the_generator_alone():
    dbn = build()
    first = draw(dbn)
    x, label = data()
    dbn.observe(x.flip(0), label.flip(0))
    dbn.chains.h.fill_(1.0)
    torch.manual_seed(99)
    assert torch.equal(draw(dbn), first)
    assert not torch.equal(draw(dbn, seed=1), first)


def test_samples_are_images_in_range():
    x = draw(build())
    assert x.shape == (9, *SHAPE) and x.abs().max() <= 1


@pytest.mark.parametrize(
    "options",
    [
        {"labels": "open"},
        {"widths": (8, 0)},
        {"sweeps": (0, 1, 1)},
        {"shares": (1, 1)},
        {"shares": (1, -1, 0, 1)},
        {"chains": "mine"},
        {"recognition": "free energy", "labels": "none"},
        {"recognition": "knn"},
        {"n_chains": 0},
    ],
)
def test_wrong_options_raise_one_line_that_names_them(options):
    with pytest.raises(ValueError, match=f"^{next(iter(options))} = .*allowed: [^\n]*$"):
        build(**options)
