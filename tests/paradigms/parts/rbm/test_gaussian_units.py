"""Gaussian hidden units of an RBM against integrals and enumeration, in float64."""

import math

import pytest
import torch

from paradigms.parts.rbm.ais import exact_log_z
from paradigms.parts.rbm.contrastive import contrastive_loss, gibbs, on_data
from paradigms.parts.rbm.rbm import RBM
from paradigms.parts.rbm.units import UNITS
from tests.paradigms.parts.rbm.test_rbm import EXACT, states

AXIS = torch.linspace(-12, 12, 4001, dtype=torch.float64)
STEP = float(AXIS[1] - AXIS[0])


def gaussian_rbm(n_visible: int = 3, n_hidden: int = 2) -> RBM:
    torch.manual_seed(0)
    rbm = RBM(n_visible, n_hidden, hidden="gaussian").double()
    for parameter in rbm.parameters():
        parameter.data = 0.6 * torch.randn_like(parameter)
    return rbm


@pytest.mark.parametrize("field", [-1.5, 0.0, 0.7])
def test_mean_and_log_sum_of_a_gaussian_unit_are_integrals_over_its_states(field):
    weight = torch.exp(AXIS * field - UNITS["gaussian"].self_energy(AXIS))
    given = torch.tensor(field, dtype=torch.float64)
    assert float(UNITS["gaussian"].log_sum(given)) == pytest.approx(math.log(float(weight.sum()) * STEP), abs=1e-9)
    assert float(UNITS["gaussian"].mean(given)) == pytest.approx(float((AXIS * weight).sum() / weight.sum()), abs=1e-9)


@pytest.mark.parametrize("planted", [False, True])
def test_a_gaussian_unit_is_sampled_with_unit_variance(planted, monkeypatch):
    if planted:  # the mean instead of a sample
        monkeypatch.setitem(UNITS, "gaussian", UNITS["gaussian"]._replace(draw=lambda mean, generator=None: mean))
    torch.manual_seed(1)
    mean = torch.full((200_000, 1), 0.4)
    drawn = UNITS["gaussian"].draw(mean)
    spread_is_one = abs(float(drawn.std()) - 1) < 0.01  # 200,000 samples: sd 0.0016, five sd 0.008
    assert spread_is_one != planted and abs(float(drawn.mean()) - 0.4) < 0.012


def test_the_free_energy_integrates_the_hidden_units_out():
    rbm, v = gaussian_rbm(), states(3)[[1, 4, 6]]
    field = v @ rbm.W + rbm.hbias
    each = torch.exp(AXIS * field[:, :, None] - AXIS.square() / 2).sum(2) * STEP
    expected = -(v @ rbm.vbias) - each.log().sum(1)
    torch.testing.assert_close(rbm.free_energy(v), expected, atol=1e-9, rtol=0)


def test_log_z_is_the_integral_over_the_hidden_units():
    rbm = gaussian_rbm(n_hidden=1).requires_grad_(False)
    log_mass = AXIS * rbm.hbias - AXIS.square() / 2 + rbm.log_sum_v(rbm.v_field(AXIS[:, None]))
    by_integral = torch.logsumexp(log_mass, 0) + math.log(STEP)
    assert exact_log_z(rbm).value == pytest.approx(float(by_integral), abs=1e-9)


def test_log_p_of_h_given_v_is_that_of_a_normal_density():
    rbm, v = gaussian_rbm(), states(3)[[0, 3, 5, 7, 2]]
    h = torch.randn(5, 2, dtype=torch.float64)
    expected = torch.distributions.Normal(rbm.h_given_v(v), 1.0).log_prob(h).sum(1)
    torch.testing.assert_close(rbm.log_h_given_v(h, v), expected, atol=EXACT, rtol=0)


def test_the_contrastive_gradient_is_that_of_the_difference_of_free_energies():
    rbm = gaussian_rbm()
    data = on_data(rbm, torch.rand(8, 3, dtype=torch.float64))
    model = gibbs(rbm, data.h, 2, torch.Generator().manual_seed(0))
    found = torch.autograd.grad(contrastive_loss(rbm, data, model), list(rbm.parameters()))
    difference = rbm.free_energy(data.v).mean() - rbm.free_energy(model.v).mean()
    for one, other in zip(found, torch.autograd.grad(difference, list(rbm.parameters())), strict=True):
        torch.testing.assert_close(one, other, atol=EXACT, rtol=0)


def test_gibbs_chains_end_in_the_enumerated_distribution_of_the_visible_units():
    rbm = gaussian_rbm().requires_grad_(False)
    torch.manual_seed(2)
    v = gibbs(rbm, torch.zeros(40_000, 2, dtype=torch.float64), 30).v
    counts = torch.bincount((v @ torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64)).long(), minlength=8)
    expected = 40_000 * torch.softmax(-rbm.free_energy(states(3)), 0)
    assert ((counts - expected).square() / expected).sum() < 26  # 7 degrees of freedom: mean 7, sd 3.7, five sd
