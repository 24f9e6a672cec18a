"""Gaussian units of an RBM against integrals and enumeration, in float64."""

import math

import pytest
import torch

from paradigms.dbn import DBN
from paradigms.parts.rbm.ais import exact_log_z
from paradigms.parts.rbm.contrastive import contrastive_loss, gibbs, on_data
from paradigms.parts.rbm.rbm import RBM
from paradigms.parts.rbm.units import UNITS
from tests.paradigms.parts.rbm.test_rbm import EXACT, states

AXIS = torch.linspace(-12, 12, 4001, dtype=torch.float64)
STEP = float(AXIS[1] - AXIS[0])


def machine(visible: str, hidden: str, n_visible: int = 3, n_hidden: int = 2) -> RBM:
    torch.manual_seed(0)
    rbm = RBM(n_visible, n_hidden, visible=visible, hidden=hidden).double()
    for parameter in rbm.parameters():
        parameter.data = 0.6 * torch.randn_like(parameter)
    return rbm


@pytest.mark.parametrize("field", [-1.5, 0.0, 0.7])
def test_mean_and_log_sum_of_a_gaussian_unit_are_integrals_over_its_states(field):
    weight = torch.exp(AXIS * field - UNITS["gaussian"].own(AXIS))
    given = torch.tensor(field, dtype=torch.float64)
    assert float(UNITS["gaussian"].log_sum(given)) == pytest.approx(math.log(float(weight.sum()) * STEP), abs=1e-9)
    assert float(UNITS["gaussian"].mean(given)) == pytest.approx(float((AXIS * weight).sum() / weight.sum()), abs=1e-9)
    assert float(UNITS["gaussian"].field(UNITS["gaussian"].mean(given))) == field


@pytest.mark.parametrize("planted", [False, True])
def test_a_gaussian_unit_is_drawn_with_unit_variance(planted, monkeypatch):
    if planted:  # the mean instead of a draw
        monkeypatch.setitem(UNITS, "gaussian", UNITS["gaussian"]._replace(draw=lambda mean, generator=None: mean))
    torch.manual_seed(1)
    mean = torch.full((200_000, 1), 0.4)
    drawn = UNITS["gaussian"].draw(mean)
    spread_is_one = abs(float(drawn.std()) - 1) < 0.01  # 200,000 draws: sd .0016, five sd .008
    assert spread_is_one != planted and abs(float(drawn.mean()) - 0.4) < 0.012


def test_free_energy_sums_or_integrates_the_hidden_units_out():
    v = states(3)[[1, 4, 6]]
    for hidden in ("binary", "gaussian"):
        rbm = machine("binary", hidden)
        field = v @ rbm.W + rbm.hbias
        if hidden == "binary":
            total = torch.logsumexp(field @ states(2).T, 1)
        else:
            each = torch.exp(AXIS * field[:, :, None] - AXIS.square() / 2).sum(2) * STEP
            total = each.log().sum(1)
        torch.testing.assert_close(rbm.free_energy(v), -(v @ rbm.vbias) - total, atol=1e-9, rtol=0)


def test_log_z_of_gaussian_visible_units_is_the_integral_of_the_mixture_that_they_are():
    rbm = machine("gaussian", "binary", n_visible=1).requires_grad_(False)
    by_integral = torch.logsumexp(-rbm.free_energy(AXIS[:, None]), 0) + math.log(STEP)
    h = states(2)
    by_h = torch.logsumexp(h @ rbm.hbias + rbm.log_sum_v(rbm.v_field(h)), 0)
    assert float(by_integral) == pytest.approx(float(by_h), abs=1e-9)
    assert exact_log_z(rbm).value == pytest.approx(float(by_h), abs=EXACT)


def test_log_conditionals_are_those_of_a_normal_density():
    rbm = machine("gaussian", "binary")
    v, h = torch.randn(5, 3, dtype=torch.float64), states(2)[[0, 1, 2, 3, 1]]
    expected = torch.distributions.Normal(rbm.v_given_h(h), 1.0).log_prob(v).sum(1)
    torch.testing.assert_close(rbm.log_v_given_h(v, h), expected, atol=EXACT, rtol=0)
    rbm, v = machine("binary", "gaussian"), states(3)[[0, 3, 5, 7, 2]]
    h = torch.randn(5, 2, dtype=torch.float64)
    expected = torch.distributions.Normal(rbm.h_given_v(v), 1.0).log_prob(h).sum(1)
    torch.testing.assert_close(rbm.log_h_given_v(h, v), expected, atol=EXACT, rtol=0)


def test_contrastive_gradient_is_that_of_the_free_energies_with_gaussian_units_too():
    for kinds in (("gaussian", "binary"), ("binary", "gaussian")):
        rbm = machine(*kinds)
        data = on_data(rbm, torch.rand(8, 3, dtype=torch.float64))
        model = gibbs(rbm, data.h, 2, torch.Generator().manual_seed(0))
        found = torch.autograd.grad(contrastive_loss(rbm, data, model), list(rbm.parameters()))
        difference = rbm.free_energy(data.v).mean() - rbm.free_energy(model.v).mean()
        for one, other in zip(found, torch.autograd.grad(difference, list(rbm.parameters())), strict=True):
            torch.testing.assert_close(one, other, atol=EXACT, rtol=0)


def test_gibbs_chains_end_in_the_mixture_of_gaussians():
    rbm = machine("gaussian", "binary", n_visible=1).requires_grad_(False)
    torch.manual_seed(2)
    v = gibbs(rbm, torch.full((40_000, 2), 0.5, dtype=torch.float64), 30).v[:, 0]
    density = torch.softmax(-rbm.free_energy(AXIS[:, None]), 0)
    mean = float((AXIS * density).sum())
    sd = math.sqrt(float(((AXIS - mean).square() * density).sum()))
    assert float(v.mean()) == pytest.approx(mean, abs=5 * sd / 200)
    assert float(v.std()) == pytest.approx(sd, abs=5 * sd / 280)  # about 1 / sqrt(2 n), mixtures nearly so


def test_both_sides_gaussian_are_refused():
    with pytest.raises(ValueError, match="visible = hidden = 'gaussian'; allowed"):
        RBM(3, 2, visible="gaussian", hidden="gaussian")


def test_a_network_of_gaussian_pixels_shows_images_and_reads_them_in_units_of_their_spread():
    torch.manual_seed(0)
    x = (0.3 * torch.randn(500, 1, 4, 4)).clamp(-1, 1)
    dbn = DBN((1, 4, 4), 3, widths=(6, 5), pixels="gaussian").eval()
    dbn.observe(x, torch.arange(500) % 3)
    v = dbn.pixels.means(x)
    assert float(v.std()) == pytest.approx(1.0, abs=1e-3)
    torch.testing.assert_close(dbn.pixels.images(v), x)
    assert dbn.sample(7, 2, torch.Generator().manual_seed(0)).abs().max() <= 1
    assert dbn.rbms[0].visible is UNITS["gaussian"]
