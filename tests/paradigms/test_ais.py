"""Annealed importance sampling and the bound of the deep belief network, against enumeration in float64."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from paradigms.dbn import DBN
from paradigms.parts import ais
from paradigms.parts.rbm import RBM
from paradigms.parts.stack_likelihood import exact_log_likelihood, variational_bound

EXACT = 1e-10  # sums of some thousand float64 terms


def machine(n_visible: int, n_hidden: int, n_labels: int = 0, *, weights: float, seed: int = 0) -> RBM:
    torch.manual_seed(seed)
    rbm = RBM(n_visible, n_hidden, n_labels).double().requires_grad_(False)
    rbm.W.data = weights * torch.randn_like(rbm.W)
    rbm.vbias.data = torch.randn_like(rbm.vbias)
    rbm.hbias.data = torch.randn_like(rbm.hbias)
    return rbm


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def all_states(n: int) -> torch.Tensor:
    return torch.cat(list(ais.binary_states(n, torch.zeros(1, dtype=torch.float64))))


def visible_states(rbm: RBM) -> torch.Tensor:
    """Every allowed visible state: all units, and one label on if there are any."""
    units = all_states(len(rbm.vbias) - rbm.n_labels)
    if not rbm.n_labels:
        return units
    labels = torch.eye(rbm.n_labels, dtype=torch.float64)
    return torch.cat([units.repeat_interleave(rbm.n_labels, 0), labels.repeat(len(units), 1)], 1)


def sum_over_v(rbm: RBM) -> float:
    return float(torch.logsumexp(-rbm.free_energy(visible_states(rbm)), 0))


def with_next_temperature(rbm, base, v, betas, generator):
    """The planted fault: chains move to the next temperature before the ratio to it is taken."""
    log_weight = torch.zeros(len(v), dtype=torch.float64)
    for beta, after in pairwise(betas.tolist()):
        v = ais.sweep(rbm, base, torch.addmm(rbm.hbias, v, rbm.W), after, generator)
        field = torch.addmm(rbm.hbias, v, rbm.W)
        change = (F.softplus(after * field) - F.softplus(beta * field)).sum(1)
        log_weight += change + (after - beta) * (v @ (rbm.vbias - base))
    return log_weight


def coarse_errors(direction: str) -> tuple[float, float]:
    """Error of log Z and its standard error at 12 temperatures and many chains, where only the right order is right."""
    rbm, steps, n = machine(9, 6, 3, weights=0.7), ais.betas(12), 40_000
    samples = ais.exact_samples(rbm, n, generator(1))
    base = ais.base_rates(rbm, samples)
    if direction == "forward":
        found = ais.forward_log_z(rbm, base, n, steps, generator(2))
    else:
        found = ais.reverse_log_z(rbm, base, samples, steps, generator(2))
    return found.value - sum_over_v(rbm), found.standard_error


@pytest.mark.parametrize("shape", [(6, 4, 0), (4, 6, 0), (5, 3, 3), (3, 5, 3)])
def test_exact_log_z_is_the_sum_over_visible_states_whichever_side_is_smaller(shape):
    rbm = machine(*shape, weights=1.0)
    assert ais.exact_log_z(rbm).value == pytest.approx(sum_over_v(rbm), abs=EXACT)


def test_exact_log_z_of_two_large_sides_is_refused_in_one_line():
    with pytest.raises(ValueError, match="^an RBM of 25 x 30 units; allowed: at most 20 on one side$"):
        ais.exact_log_z(RBM(25, 30, 3))


def test_exact_samples_are_distributed_as_enumerated():
    rbm, n = machine(4, 3, 3, weights=0.8), 60_000
    states = visible_states(rbm)
    drawn = ais.exact_samples(rbm, n, generator())
    place = 2.0 ** torch.arange(states.shape[1], dtype=torch.float64)
    counts = ((drawn @ place)[:, None] == (states @ place)[None]).sum(0)
    expected = n * torch.softmax(-rbm.free_energy(states), 0)
    assert counts.sum() == n
    assert ((counts - expected).square() / expected).sum() < 95  # 47 degrees of freedom: mean 47, sd 9.7, five sd


def test_base_log_z_is_that_of_the_machine_without_weights():
    rbm = machine(5, 4, 3, weights=1.0)
    base = ais.base_rates(rbm, ais.exact_samples(rbm, 200, generator()))
    flat = machine(5, 4, 3, weights=0.0)
    flat.vbias.data, flat.hbias.data = base, torch.zeros(4, dtype=torch.float64)
    assert ais.base_log_z(rbm, base) == pytest.approx(sum_over_v(flat), abs=EXACT)


def test_base_rates_are_those_of_the_data():
    rbm, v = machine(5, 4, 3, weights=1.0), ais.exact_samples(machine(5, 4, 3, weights=1.0), 500, generator())
    mean = rbm.v_mean(ais.base_rates(rbm, v)[None])[0]
    torch.testing.assert_close(mean, v.mean(0).clamp(ais.RARE, 1 - ais.RARE), atol=0.01, rtol=0)


def test_a_large_machine_at_ten_thousand_temperatures_is_right_to_half_a_nat():
    rbm, n_chains, steps = machine(784, 12, weights=0.3), 8, ais.betas(10_000)
    rbm.vbias.data -= 2  # most pixels are off
    exact = ais.exact_log_z(rbm).value
    samples = ais.exact_samples(rbm, 500, generator())
    base = ais.base_rates(rbm, samples)
    forward = ais.forward_log_z(rbm, base, n_chains, steps, generator(1))
    reverse = ais.reverse_log_z(rbm, base, samples[:n_chains], steps, generator(1))
    assert abs(forward.value - exact) < 0.5 and forward.standard_error < 0.2
    assert abs(reverse.value - exact) < 0.5 and reverse.standard_error < 0.2


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_even_few_temperatures_are_right_on_average_with_a_label_group(direction):
    error, standard_error = coarse_errors(direction)
    assert standard_error < 0.02
    assert abs(error) < 4 * standard_error  # weights are unbiased at any number of temperatures


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_transitions_with_the_next_temperatures_parameters_are_caught(direction, monkeypatch):
    monkeypatch.setattr(ais, "anneal", with_next_temperature)
    error, standard_error = coarse_errors(direction)
    assert abs(error) > 10 * standard_error


def test_a_base_rate_without_its_hidden_coins_is_caught(monkeypatch):
    monkeypatch.setattr(ais, "base_log_z", lambda rbm, base: float(rbm.log_sum_v(base[None])))
    error, standard_error = coarse_errors("forward")
    assert abs(error) > 10 * standard_error


def test_forward_is_below_and_reverse_above_on_average():
    rbm, steps = machine(12, 8, weights=2.0), ais.betas(3)
    exact, ignorant = ais.exact_log_z(rbm).value, torch.zeros(12, dtype=torch.float64)
    forward, reverse = [], []
    for seed in range(100):
        rng = generator(seed)
        forward.append(ais.forward_log_z(rbm, ignorant, 2, steps, rng).value - exact)
        reverse.append(ais.reverse_log_z(rbm, ignorant, ais.exact_samples(rbm, 2, rng), steps, rng).value - exact)
    for side, errors in ((-1, torch.tensor(forward)), (1, torch.tensor(reverse))):
        assert side * errors.mean() > 4 * errors.std() / len(errors) ** 0.5


def test_the_standard_error_is_the_spread_of_repeated_runs():
    rbm, steps = machine(9, 6, 3, weights=0.7), ais.betas(12)
    base = ais.base_rates(rbm, ais.exact_samples(rbm, 500, generator()))
    runs = [ais.forward_log_z(rbm, base, 1000, steps, generator(seed)) for seed in range(40)]
    spread = torch.tensor([run.value for run in runs]).std()
    said = torch.tensor([run.standard_error for run in runs]).mean()
    assert 0.6 < said / spread < 1.6  # 40 runs know a spread to 11 %


def test_all_draws_come_from_the_generator():
    rbm, before = machine(9, 6, 3, weights=0.7), torch.get_rng_state()
    base = ais.base_rates(rbm, ais.exact_samples(rbm, 50, generator()))
    one, same, other = (ais.forward_log_z(rbm, base, 20, ais.betas(20), generator(seed)) for seed in (1, 1, 2))
    assert one == same and one != other
    assert torch.equal(before, torch.get_rng_state())


def tiny(widths=(5, 4), n_classes: int = 3, weights: float = 0.9) -> DBN:
    """A DBN on 2 x 3 pixels with weights that make its layers matter."""
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
    found = exact_log_likelihood(dbn.rbms, dbn.top, all_states(6))
    torch.testing.assert_close(found, brute_force(dbn), atol=EXACT, rtol=0)
    assert float(found.exp().sum()) == pytest.approx(1.0, abs=EXACT)


@pytest.mark.parametrize("widths", [(5, 4), (5, 4, 3)])
def test_the_bound_is_below_the_exact_log_likelihood_of_every_image(widths):
    dbn, v = tiny(widths), all_states(6)
    log_z = ais.exact_log_z(dbn.top).value
    bound = variational_bound(dbn.rbms, dbn.top, v, log_z, 2000, generator())
    gap = exact_log_likelihood(dbn.rbms, dbn.top, v) - bound
    assert gap.min() > -0.05  # 2000 draws of a few nats' spread
    assert gap.mean() > 0.1  # these weights were not learnt together, so q is not the posterior


def test_the_bound_is_tight_where_the_top_machine_continues_the_lower_one():
    """Salakhutdinov & Murray 2008: with the lower RBM's weights turned over on top, q is the posterior."""
    dbn = tiny((5, 6), n_classes=1)
    lower, top = dbn.rbms[0], dbn.top
    top.W.data.zero_()
    top.vbias.data.zero_()
    top.W.data[:5], top.vbias.data[:5], top.hbias.data = lower.W.T.clone(), lower.hbias.clone(), lower.vbias.clone()
    v = all_states(6)
    bound = variational_bound(dbn.rbms, top, v, ais.exact_log_z(top).value, 1, generator())
    exact = -lower.free_energy(v) - ais.exact_log_z(lower).value
    torch.testing.assert_close(bound, exact, atol=EXACT, rtol=0)  # one draw: the bound has no variance left


def test_the_paradigms_likelihood_is_bracketed_and_below_its_exact_value():
    dbn = tiny().float()
    x = 2 * torch.rand(200, 1, 2, 3, generator=generator(1)) - 1
    before, chains = torch.get_rng_state(), dbn.chains.clone()
    found = dbn.log_likelihood(x, torch.zeros(200, dtype=torch.int64), generator())
    assert found.ais_low < found.ais < found.ais_high < found.exact < 0
    assert found == dbn.log_likelihood(x, torch.zeros(200, dtype=torch.int64), generator())
    assert torch.equal(before, torch.get_rng_state()) and torch.equal(chains, dbn.chains)
    v, log_z = torch.round((x.double().flatten(1) + 1) / 2), ais.exact_log_z(dbn.top.double()).value
    assert found.method and variational_bound(dbn.rbms.double(), dbn.top, v, log_z, 1, generator()).shape == (200,)


def test_the_paradigms_likelihood_brackets_the_bound_at_the_exact_log_z():
    dbn = tiny((5, 4)).float()
    x = 2.0 * all_states(6).view(64, 1, 2, 3).float() - 1  # binary already, so nothing is drawn
    found = dbn.log_likelihood(x, torch.zeros(64, dtype=torch.int64), generator())
    dbn.double()
    bound = variational_bound(dbn.rbms, dbn.top, all_states(6), ais.exact_log_z(dbn.top).value, 500, generator())
    # Ten draws of q and 64 images leave some hundredths of a nat.
    assert found.ais_low - 0.1 < bound.mean() < found.ais_high + 0.1
    assert found.ais_high - found.ais_low < 0.3


def test_layers_too_large_to_sum_have_no_exact_value():
    dbn = tiny((12, 8)).float()
    x = 2 * torch.rand(20, 1, 2, 3, generator=generator(1)) - 1
    assert dbn.log_likelihood(x, torch.zeros(20, dtype=torch.int64), generator()).exact is None
