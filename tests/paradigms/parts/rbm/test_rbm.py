"""The RBM against enumeration, in float64: 6 visible and 4 hidden units have 1024 joint states."""

import itertools

import pytest
import torch

from paradigms.parts.optimizers.momentum import momentum_sgd
from paradigms.parts.rbm import rbm as rbm_module
from paradigms.parts.rbm.contrastive import States, contrastive_loss, gibbs, on_data
from paradigms.parts.rbm.rbm import RBM
from paradigms.parts.rbm.units import UNITS

EXACT = 1e-12  # sums of at most 1024 float64 terms of order one


def states(n: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product([0.0, 1.0], repeat=n)), dtype=torch.float64)


def random_rbm(n_visible: int = 6, n_hidden: int = 4, scale: float = 0.8, n_labels: int = 0) -> RBM:
    torch.manual_seed(0)
    rbm = RBM(n_visible, n_hidden, n_labels).double()
    for parameter in rbm.parameters():
        parameter.data = scale * torch.randn_like(parameter)
    return rbm


@pytest.fixture
def rbm() -> RBM:
    return random_rbm()


def energies(rbm: RBM) -> torch.Tensor:
    v, h = states(6), states(4)
    return -(v @ rbm.vbias)[:, None] - h @ rbm.hbias - v @ rbm.W @ h.T


def exact_log_likelihood(rbm: RBM, v: torch.Tensor) -> torch.Tensor:
    return (-rbm.free_energy(v)).mean() - torch.logsumexp(-rbm.free_energy(states(6)), 0)


def test_log_z_is_the_same_summed_over_v_and_over_joint_states(rbm):
    by_v = torch.logsumexp(-rbm.free_energy(states(6)), 0)
    h = states(4)
    by_h = torch.logsumexp(h @ rbm.hbias + torch.nn.functional.softplus(h @ rbm.W.T + rbm.vbias).sum(1), 0)
    jointly = torch.logsumexp(-energies(rbm).flatten(), 0)
    torch.testing.assert_close(by_v, jointly, atol=EXACT, rtol=0)
    torch.testing.assert_close(by_h, jointly, atol=EXACT, rtol=0)


def test_conditionals_are_those_of_the_joint_distribution(rbm):
    joint = torch.softmax(-energies(rbm).flatten(), 0).view(64, 16)
    h_given_v = joint @ states(4) / joint.sum(1, keepdim=True)
    v_given_h = joint.T @ states(6) / joint.T.sum(1, keepdim=True)
    torch.testing.assert_close(rbm.h_given_v(states(6)), h_given_v, atol=EXACT, rtol=0)
    torch.testing.assert_close(rbm.v_given_h(states(4)), v_given_h, atol=EXACT, rtol=0)


def test_label_conditional_is_that_of_the_states_with_one_label_on():
    torch.manual_seed(0)
    rbm = RBM(2, 3, n_labels=3).double()
    rbm.W.data = torch.randn_like(rbm.W)
    rbm.vbias.data = torch.randn_like(rbm.vbias)
    u, labels, h = states(2), torch.eye(3, dtype=torch.float64), states(3)
    v = torch.cat([u.repeat_interleave(3, 0), labels.repeat(4, 1)], 1)
    joint = torch.exp(v @ rbm.W @ h.T + (v @ rbm.vbias)[:, None] + h @ rbm.hbias)
    torch.testing.assert_close(rbm.v_given_h(h), joint.T @ v / joint.sum(0)[:, None], atol=EXACT, rtol=0)
    drawn = rbm.sample_v(rbm.v_given_h(h.repeat(50, 1)))
    assert torch.equal(drawn[:, 2:].sum(1), torch.ones(400, dtype=torch.float64))


def test_closed_form_gradient_is_autograd_of_the_exact_log_likelihood(rbm):
    data = states(6)[[3, 17, 17, 40, 62]]
    exact_log_likelihood(rbm, data).backward()
    with torch.no_grad():
        weights = torch.softmax(-rbm.free_energy(states(6)), 0)
        h_data, h_model = rbm.h_given_v(data), rbm.h_given_v(states(6))
        dW = data.T @ h_data / 5 - states(6).T @ (weights[:, None] * h_model)
        dvbias = data.mean(0) - weights @ states(6)
        dhbias = h_data.mean(0) - weights @ h_model
    for parameter, gradient in ((rbm.W, dW), (rbm.vbias, dvbias), (rbm.hbias, dhbias)):
        torch.testing.assert_close(parameter.grad, gradient, atol=EXACT, rtol=0)


def test_gradient_of_the_contrastive_loss_is_that_of_the_difference_of_free_energies(rbm):
    v_data = torch.rand(30, 6, dtype=torch.float64)
    data = on_data(rbm, v_data)
    model = gibbs(rbm, data.h[:20], 2)
    contrastive_loss(rbm, data, model).backward()
    found = [parameter.grad.clone() for parameter in rbm.parameters()]
    rbm.zero_grad()
    (rbm.free_energy(v_data).mean() - rbm.free_energy(model.v).mean()).backward()
    for gradient, parameter in zip(found, rbm.parameters(), strict=True):
        torch.testing.assert_close(gradient, parameter.grad, atol=EXACT, rtol=0)


def test_contrastive_loss_is_the_difference_of_mean_energies(rbm):
    data, model = on_data(rbm, states(6)[:5]), on_data(rbm, states(6)[30:])
    energy = [-(v @ rbm.vbias + h @ rbm.hbias + (v @ rbm.W * h).sum(1)).mean() for v, h in (data, model)]
    torch.testing.assert_close(contrastive_loss(rbm, data, model), energy[0] - energy[1], atol=EXACT, rtol=0)


def test_contrastive_loss_does_not_differentiate_through_the_chain(rbm):
    model = States(*(torch.rand(5, n, dtype=torch.float64, requires_grad=True) for n in (6, 4)))
    contrastive_loss(rbm, on_data(rbm, states(6)[:5]), model).backward()
    assert model.v.grad is None and model.h.grad is None


def test_expected_cd_gradient_approaches_the_exact_one_with_k(rbm):
    torch.manual_seed(1)
    data = states(6)[[3, 17, 40, 62]]
    (exact,) = torch.autograd.grad(-exact_log_likelihood(rbm, data), rbm.W)
    rows, errors = on_data(rbm, data.repeat(10_000, 1)), []
    for k in (1, 3, 12):
        (estimate,) = torch.autograd.grad(contrastive_loss(rbm, rows, gibbs(rbm, rows.h, k)), rbm.W)
        errors.append(float((estimate - exact).norm() / exact.norm()))
    assert errors[0] > 1.5 * errors[1]
    assert errors[2] < 0.03  # 40,000 chains: noise of 0.5 % of a probability in each of 24 weights


def test_gibbs_chains_end_in_the_enumerated_distribution(rbm):
    torch.manual_seed(2)
    v = gibbs(rbm, torch.zeros(40_000, 4, dtype=torch.float64), 30).v
    index = (v @ (2.0 ** torch.arange(5, -1, -1, dtype=torch.float64))).long()
    expected = 40_000 * torch.softmax(-rbm.free_energy(states(6)), 0)
    chi2 = ((torch.bincount(index, minlength=64) - expected).square() / expected).sum()
    assert chi2 < 120  # 63 degrees of freedom: mean 63, sd 11, five sd


def test_sampling_has_no_gradient():
    mean = torch.full((3, 4), 0.5, requires_grad=True)
    assert not UNITS["binary"].draw(mean, None).requires_grad


def one_draw_for_all_rows(mean: torch.Tensor, generator=None) -> torch.Tensor:
    """Planted fault: a sampler that shares one random vector among the rows of a batch."""
    return (torch.rand(mean.shape[1], dtype=mean.dtype) < mean).to(mean.dtype)


@pytest.mark.parametrize("planted", [False, True])
def test_rows_of_a_gibbs_sweep_are_independent(planted, monkeypatch):
    if planted:
        monkeypatch.setitem(UNITS, "binary", UNITS["binary"]._replace(draw=one_draw_for_all_rows))
        monkeypatch.setattr(rbm_module, "bernoulli", one_draw_for_all_rows)
    torch.manual_seed(3)
    rbm = RBM(8, 8)
    v = gibbs(rbm, torch.full((2000, 8), 0.5), 1).v
    agreement = (v[:1000] == v[1000:]).float().mean()
    independent = abs(agreement - 0.5) < 0.03 and len(v.unique(dim=0)) > 200  # 8000 coins: sd 0.0056
    assert independent != planted


def test_gibbs_sampling_uses_the_given_generator_alone(rbm):
    h, before = states(4), torch.get_rng_state()
    one, same, other = (gibbs(rbm, h, 3, torch.Generator().manual_seed(seed)).v for seed in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    assert torch.equal(before, torch.get_rng_state())


def test_units_with_probability_zero_or_one_keep_their_state(rbm):
    assert torch.equal(rbm.sample_v(states(6)), states(6))


def test_visible_biases_start_at_the_log_odds_of_the_data(rbm):
    v = torch.zeros(4, 6, dtype=torch.float64)
    v[0] = 1
    rbm.set_visible_biases(v)
    torch.testing.assert_close(rbm.vbias.sigmoid(), torch.full_like(rbm.vbias, 0.25), atol=EXACT, rtol=0)


def test_weight_decay_shrinks_weights_and_leaves_biases():
    rbm = RBM(5, 4)
    for parameter in rbm.parameters():
        parameter.data.fill_(1.0)
        parameter.grad = torch.zeros_like(parameter)
    momentum_sgd(lr=0.5, weight_decay=0.1)(list(rbm.parameters())).step()
    assert torch.equal(rbm.W, torch.full((5, 4), 0.95))
    assert torch.equal(rbm.vbias, torch.ones(5)) and torch.equal(rbm.hbias, torch.ones(4))
