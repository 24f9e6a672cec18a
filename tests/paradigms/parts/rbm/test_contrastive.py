"""How an RBM learns, in float64 and against enumeration: centred gradients, chains from noise, parallel tempering."""

import pytest
import torch

from paradigms.parts.rbm import negative_phase, tempering
from paradigms.parts.rbm.binary_units import bernoulli
from paradigms.parts.rbm.contrastive import States, contrastive_loss, gibbs, on_data
from paradigms.parts.rbm.negative_phase import Fantasies
from paradigms.parts.rbm.rbm import RBM
from paradigms.parts.rbm.tempering import ladder, tempered_gibbs
from tests.paradigms.parts.rbm.test_rbm import EXACT, machine, states


def gradients(rbm: RBM, data: States, model: States, centred: bool) -> list[torch.Tensor]:
    return list(torch.autograd.grad(contrastive_loss(rbm, data, model, centred), list(rbm.parameters())))


def two_sets(rbm: RBM) -> tuple[States, States]:
    return on_data(rbm, states(6)[[3, 17, 17, 40, 62]]), on_data(rbm, states(6)[[5, 9, 33, 50]])


def test_the_centred_gradient_is_that_of_the_units_measured_from_their_means():
    rbm = machine()
    data, model = two_sets(rbm)
    mu, la = data.v.mean(0), data.h.mean(0)
    plain, (dW, dvbias, dhbias) = gradients(rbm, data, model, False), gradients(rbm, data, model, True)
    moments = [(part.v - mu).T @ (part.h - la) / len(part.v) for part in (data, model)]
    torch.testing.assert_close(dW, moments[1] - moments[0], atol=EXACT, rtol=0)
    torch.testing.assert_close(dvbias, plain[1] - dW @ la, atol=EXACT, rtol=0)
    torch.testing.assert_close(dhbias, plain[2] - dW.T @ mu, atol=EXACT, rtol=0)


def flipped(rbm: RBM) -> RBM:
    """The same machine for visible units that say 0 where they said 1: v W h = (1 - v)(-W) h + sum_v W h."""
    other = RBM(6, 4).double()
    other.W.data, other.vbias.data = -rbm.W.data, -rbm.vbias.data
    other.hbias.data = rbm.hbias.data + rbm.W.data.sum(0)
    return other


@pytest.mark.parametrize("centred", [True, False])
def test_only_the_centred_gradient_ignores_a_flip_of_the_data(centred):
    rbm = machine()
    data, model = two_sets(rbm)
    here = gradients(rbm, data, model, centred)
    there = gradients(flipped(rbm), States(1 - data.v, data.h), States(1 - model.v, model.h), centred)
    # A step of the flipped machine is the step of the machine, flipped.
    as_here = [-there[0], -there[1], there[2] + there[0].sum(0)]
    same = all(torch.allclose(one, other, atol=EXACT) for one, other in zip(here, as_here, strict=True))
    assert same == centred


@pytest.mark.parametrize(("kind", "start"), [("persistent", "held"), ("data", "data"), ("noise", "noise")])
def test_chains_start_where_their_kind_says(kind, start, monkeypatch):
    rbm, begun = machine(), []
    starts = {name: torch.rand(7, 4, dtype=torch.float64) for name in ("held", "data", "noise")}
    monkeypatch.setattr(
        negative_phase, "gibbs", lambda rbm, h, n_sweeps: begun.append(h.clone()) or gibbs(rbm, h, n_sweeps)
    )
    monkeypatch.setattr(rbm, "h_given_v", lambda v: starts["noise"])
    chains = Fantasies(kind, 7, 4, 1).double()
    chains.h[0] = starts["held"]
    model = chains.advance(rbm, States(torch.zeros(7, 6), starts["data"]), 2)
    assert torch.equal(begun[0], starts[start])
    assert torch.equal(chains.h[0], starts["held"] if kind == "data" else model.h)


def two_modes() -> RBM:
    """All units agree: half of the mass is where none is on, half where all are, and a sweep crosses 1 in 20,000."""
    rbm = RBM(6, 4).double()
    rbm.W.data.fill_(4.0)
    rbm.vbias.data.fill_(-8.0)
    rbm.hbias.data.fill_(-12.0)
    return rbm


def share_of_ones(v: torch.Tensor) -> float:
    return float((v.sum(1) > 3).double().mean())


def test_tempered_chains_change_modes_where_plain_ones_stay():
    rbm = two_modes()
    exact = torch.softmax(-rbm.free_energy(states(6)), 0)
    assert share_of_ones(states(6)[exact.argsort(descending=True)[:2]]) == 0.5  # the two modes are the two extremes
    torch.manual_seed(1)
    off = torch.zeros(2000, 4, dtype=torch.float64)
    assert share_of_ones(gibbs(rbm, off, 100).v) < 0.05
    betas = ladder(12, off)
    model, h = tempered_gibbs(rbm, off.expand(12, -1, -1), betas, 100)
    # A coin over 2,000 chains has a sd of .011.
    assert share_of_ones(model.v) == pytest.approx(0.5, abs=0.05)
    assert h.shape == (12, 2000, 4) and set(h.unique().tolist()) <= {0.0, 1.0}


def swap_always(betas, energy, first, generator):
    """The fault of an exchange that forgets the energies."""
    n, n_chains = energy.shape
    order = torch.arange(n) if first else torch.arange(n).flip(0)
    return order[:, None, None].repeat(1, n_chains, 1)


@pytest.mark.parametrize("planted", [False, True])
def test_every_temperature_has_the_distribution_of_its_own(planted, monkeypatch):
    if planted:
        monkeypatch.setattr(tempering, "_exchange", swap_always)
    rbm = machine(scale=1.2)
    torch.manual_seed(2)
    betas = torch.tensor([0.2, 1.0], dtype=torch.float64)
    model, _ = tempered_gibbs(rbm, bernoulli(torch.full((2, 20_000, 4), 0.5, dtype=torch.float64)), betas, 41)
    index = (model.v @ (2.0 ** torch.arange(5, -1, -1, dtype=torch.float64))).long()
    expected = 20_000 * torch.softmax(-rbm.free_energy(states(6)), 0)
    chi2 = ((torch.bincount(index, minlength=64) - expected).square() / expected).sum()
    assert (chi2 < 120) != planted  # 63 degrees of freedom: five sd


def test_tempering_at_one_temperature_is_gibbs_sampling_and_keeps_one_label_on():
    rbm = machine(n_visible=5, n_labels=3)
    chains = Fantasies("tempered", 50, 4, 6).double()
    chains.begin(rbm)
    model = chains.advance(rbm, None, 3)
    assert model.v.shape == (50, 8) and torch.equal(model.v[:, 5:].sum(1), torch.ones(50, dtype=torch.float64))
    assert chains.h.shape == (6, 50, 4) and torch.equal(model.h, rbm.h_given_v(model.v))
    assert ladder(1, chains.h).tolist() == [1.0]
