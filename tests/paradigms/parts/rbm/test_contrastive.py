"""Training an RBM, in float64: the centred gradient, and where the chains of the negative phase start."""

import pytest
import torch

from paradigms.parts.rbm import negative_phase
from paradigms.parts.rbm.contrastive import States, contrastive_loss, gibbs, on_data
from paradigms.parts.rbm.negative_phase import NegativePhase
from paradigms.parts.rbm.rbm import RBM
from tests.paradigms.parts.rbm.test_rbm import EXACT, random_rbm, states


def gradients(rbm: RBM, data: States, model: States, centred: bool) -> list[torch.Tensor]:
    return list(torch.autograd.grad(contrastive_loss(rbm, data, model, centred), list(rbm.parameters())))


def two_sets(rbm: RBM) -> tuple[States, States]:
    return on_data(rbm, states(6)[[3, 17, 17, 40, 62]]), on_data(rbm, states(6)[[5, 9, 33, 50]])


def test_the_centred_gradient_is_that_of_the_units_minus_their_means_on_data():
    rbm = random_rbm()
    data, model = two_sets(rbm)
    mu, la = data.v.mean(0), data.h.mean(0)
    plain, (dW, dvbias, dhbias) = gradients(rbm, data, model, False), gradients(rbm, data, model, True)
    moments = [(part.v - mu).T @ (part.h - la) / len(part.v) for part in (data, model)]
    torch.testing.assert_close(dW, moments[1] - moments[0], atol=EXACT, rtol=0)
    torch.testing.assert_close(dvbias, plain[1] - dW @ la, atol=EXACT, rtol=0)
    torch.testing.assert_close(dhbias, plain[2] - dW.T @ mu, atol=EXACT, rtol=0)


def flipped(rbm: RBM) -> RBM:
    """The same distribution with 0 and 1 exchanged in the visible units: v W h = (1 - v)(-W) h + sum_v W h."""
    other = RBM(6, 4).double()
    other.W.data, other.vbias.data = -rbm.W.data, -rbm.vbias.data
    other.hbias.data = rbm.hbias.data + rbm.W.data.sum(0)
    return other


@pytest.mark.parametrize("centred", [True, False])
def test_only_the_centred_gradient_is_invariant_to_exchanging_0_and_1_in_the_data(centred):
    rbm = random_rbm()
    data, model = two_sets(rbm)
    here = gradients(rbm, data, model, centred)
    there = gradients(flipped(rbm), States(1 - data.v, data.h), States(1 - model.v, model.h), centred)
    # A step of the flipped RBM should be the flipped step of the RBM.
    as_here = [-there[0], -there[1], there[2] + there[0].sum(0)]
    same = all(torch.allclose(one, other, atol=EXACT) for one, other in zip(here, as_here, strict=True))
    assert same == centred


@pytest.mark.parametrize(("kind", "start"), [("persistent", "held"), ("data", "data"), ("noise", "noise")])
def test_chains_of_each_kind_start_at_their_own_states(kind, start, monkeypatch):
    rbm, begun = random_rbm(), []
    starts = {name: torch.rand(7, 4, dtype=torch.float64) for name in ("held", "data", "noise")}
    monkeypatch.setattr(
        negative_phase, "gibbs", lambda rbm, h, n_sweeps: begun.append(h.clone()) or gibbs(rbm, h, n_sweeps)
    )
    monkeypatch.setattr(rbm, "h_given_v", lambda v: starts["noise"])
    chains = NegativePhase(kind, 7, 4).double()
    chains.h[:] = starts["held"]
    model = chains.advance(rbm, States(torch.zeros(7, 6), starts["data"]), 2)
    assert torch.equal(begun[0], starts[start])
    assert torch.equal(chains.h, starts["held"] if kind == "data" else model.h)
