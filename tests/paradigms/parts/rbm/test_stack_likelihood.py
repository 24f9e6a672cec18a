"""Likelihood of a deep belief network: exact sums against loops, and the variational bound against exact sums."""

import pytest
import torch

from paradigms.dbn import DBN
from paradigms.parts.rbm import ais
from paradigms.parts.rbm.stack_likelihood import exact_log_likelihood, variational_bound
from tests.paradigms.parts.rbm.test_ais import EXACT, all_states, generator, visible_states


def tiny(widths=(5, 4), n_classes: int = 3, weights: float = 0.9) -> DBN:
    """A DBN on 2 x 3 pixels with weights large enough that every layer changes the distribution."""
    torch.manual_seed(3)
    dbn = DBN((1, 2, 3), n_classes, widths=widths, n_chains=64).double()
    for rbm in (*dbn.rbms, dbn.top):
        rbm.W.data = weights * torch.randn_like(rbm.W)
        rbm.vbias.data = 0.5 * torch.randn_like(rbm.vbias)
        rbm.hbias.data = 0.5 * torch.randn_like(rbm.hbias)
    return dbn.eval()


def brute_force(dbn: DBN) -> torch.Tensor:
    """log p of all 64 images of a DBN with two RBMs below the top one, by loops over every state of every layer."""
    (lower, upper), top = dbn.rbms, dbn.top
    with torch.no_grad():
        weight = torch.exp(-top.free_energy(visible_states(top)))
        n_units = top.W.shape[0] - top.n_labels
        image = all_states(6)
        p = torch.zeros(64, dtype=torch.float64)
        for state, mass in zip(visible_states(top), weight / weight.sum(), strict=True):
            for h in all_states(upper.W.shape[0]):
                given = upper.v_given_h(state[None, :n_units])[0]
                p_h = torch.where(h == 1, given, 1 - given).prod()
                given = lower.v_given_h(h[None])[0]
                p += mass * p_h * torch.where(image == 1, given, 1 - given).prod(1)
    return p.log()


def test_exact_log_likelihood_of_a_stack_is_the_sum_over_all_its_states():
    dbn = tiny((4, 3, 3))
    found = exact_log_likelihood(dbn.down, dbn.top, all_states(6))
    torch.testing.assert_close(found, brute_force(dbn), atol=EXACT, rtol=0)
    assert float(found.exp().sum()) == pytest.approx(1.0, abs=EXACT)


@pytest.mark.parametrize("widths", [(5, 4), (5, 4, 3)])
def test_the_bound_is_below_the_exact_log_likelihood_of_every_image(widths):
    dbn, v = tiny(widths), all_states(6)
    log_z = ais.exact_log_z(dbn.top).value
    bound = variational_bound(dbn.rbms, dbn.down, dbn.top, v, log_z, 2000, generator())
    gap = exact_log_likelihood(dbn.down, dbn.top, v) - bound
    assert gap.min() > -0.05  # 2000 samples with a standard deviation of a few nats
    assert gap.mean() > 0.1  # random weights, so q is not the posterior


def test_the_bound_is_tight_where_the_top_rbm_has_the_transposed_weights_of_the_lower_one():
    """Salakhutdinov & Murray 2008: with the transposed weights of the lower RBM in the top one, q is the posterior."""
    dbn = tiny((5, 6), n_classes=1)
    lower, top = dbn.rbms[0], dbn.top
    top.W.data.zero_()
    top.vbias.data.zero_()
    top.W.data[:5], top.vbias.data[:5], top.hbias.data = lower.W.T.clone(), lower.hbias.clone(), lower.vbias.clone()
    v = all_states(6)
    bound = variational_bound(dbn.rbms, dbn.down, top, v, ais.exact_log_z(top).value, 1, generator())
    exact = -lower.free_energy(v) - ais.exact_log_z(lower).value
    torch.testing.assert_close(bound, exact, atol=EXACT, rtol=0)  # one sample of q: the estimate has no variance here


def test_the_paradigms_likelihood_is_bracketed_and_below_its_exact_value():
    dbn = tiny().float()
    x = 2 * torch.rand(200, 1, 2, 3, generator=generator(1)) - 1
    before, chains = torch.get_rng_state(), dbn.chains.h.clone()
    found = dbn.log_likelihood(x, torch.zeros(200, dtype=torch.int64), generator())
    assert found.ais_low < found.ais < found.ais_high < found.exact < 0
    assert found == dbn.log_likelihood(x, torch.zeros(200, dtype=torch.int64), generator())
    assert torch.equal(before, torch.get_rng_state()) and torch.equal(chains, dbn.chains.h)
    v, log_z = torch.round((x.double().flatten(1) + 1) / 2), ais.exact_log_z(dbn.top.double()).value
    assert found.method and variational_bound(dbn.rbms.double(), dbn.down, dbn.top, v, log_z, 1, generator()).shape == (
        200,
    )


def test_the_paradigms_likelihood_brackets_the_bound_at_the_exact_log_z():
    dbn = tiny((5, 4)).float()
    x = 2.0 * all_states(6).view(64, 1, 2, 3).float() - 1  # binary already, so sampling changes nothing
    found = dbn.log_likelihood(x, torch.zeros(64, dtype=torch.int64), generator())
    dbn.double()
    bound = variational_bound(
        dbn.rbms, dbn.down, dbn.top, all_states(6), ais.exact_log_z(dbn.top).value, 500, generator()
    )
    # Ten samples of q for 64 images leave an error of some hundredths of a nat.
    assert found.ais_low - 0.1 < bound.mean() < found.ais_high + 0.1
    assert found.ais_high - found.ais_low < 0.3


def test_exact_log_likelihood_of_a_single_rbm_is_its_normalised_free_energy():
    dbn = tiny((5,))
    found = exact_log_likelihood(dbn.down, dbn.top, all_states(6))
    assert float(found.exp().sum()) == pytest.approx(1.0, abs=EXACT)


def test_layers_too_large_to_sum_have_no_exact_value():
    dbn = tiny((12, 8)).float()
    x = 2 * torch.rand(20, 1, 2, 3, generator=generator(1)) - 1
    assert dbn.log_likelihood(x, torch.zeros(20, dtype=torch.int64), generator()).exact is None
