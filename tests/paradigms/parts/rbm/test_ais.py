"""Annealed importance sampling of RBMs against enumeration, in float64."""

from itertools import pairwise

import pytest
import torch
from torch.nn import functional as F

from paradigms.parts.rbm import ais
from paradigms.parts.rbm.rbm import RBM

EXACT = 1e-10  # sums of some thousand float64 terms


def random_rbm(n_visible: int, n_hidden: int, n_labels: int = 0, *, weights: float, seed: int = 0) -> RBM:
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
    """Planted fault: chains sweep at the next temperature before the ratio to it is evaluated."""
    log_weight = torch.zeros(len(v), dtype=torch.float64)
    for beta, after in pairwise(betas.tolist()):
        v = ais.sweep(rbm, base, torch.addmm(rbm.hbias, v, rbm.W), after, generator)
        field = torch.addmm(rbm.hbias, v, rbm.W)
        change = (F.softplus(after * field) - F.softplus(beta * field)).sum(1)
        log_weight += change + (after - beta) * (v @ (rbm.vbias - base))
    return log_weight


def coarse_errors(direction: str) -> tuple[float, float]:
    """Error of log Z and its standard error at 12 temperatures and many chains, enough to detect a biased estimator."""
    rbm, steps, n = random_rbm(9, 6, 3, weights=0.7), ais.betas(12), 40_000
    samples = ais.exact_samples(rbm, n, generator(1))
    base = ais.base_rates(rbm, samples)
    if direction == "forward":
        found = ais.forward_log_z(rbm, base, n, steps, generator(2))
    else:
        found = ais.reverse_log_z(rbm, base, samples, steps, generator(2))
    return found.value - sum_over_v(rbm), found.standard_error


@pytest.mark.parametrize("shape", [(6, 4, 0), (4, 6, 0), (5, 3, 3), (3, 5, 3)])
def test_exact_log_z_is_the_sum_over_visible_states_whichever_layer_is_smaller(shape):
    rbm = random_rbm(*shape, weights=1.0)
    assert ais.exact_log_z(rbm).value == pytest.approx(sum_over_v(rbm), abs=EXACT)


def test_exact_log_z_of_two_large_layers_is_refused_in_one_line():
    with pytest.raises(ValueError, match=r"^an RBM of 25 x 30 units; allowed: at most 20 in one layer$"):
        ais.exact_log_z(RBM(25, 30, 3))


def test_exact_samples_are_distributed_as_enumerated():
    rbm, n = random_rbm(4, 3, 3, weights=0.8), 60_000
    states = visible_states(rbm)
    drawn = ais.exact_samples(rbm, n, generator())
    place = 2.0 ** torch.arange(states.shape[1], dtype=torch.float64)
    counts = ((drawn @ place)[:, None] == (states @ place)[None]).sum(0)
    expected = n * torch.softmax(-rbm.free_energy(states), 0)
    assert counts.sum() == n
    assert ((counts - expected).square() / expected).sum() < 95  # 47 degrees of freedom: mean 47, sd 9.7, five sd


def test_base_log_z_is_that_of_the_rbm_without_weights():
    rbm = random_rbm(5, 4, 3, weights=1.0)
    base = ais.base_rates(rbm, ais.exact_samples(rbm, 200, generator()))
    flat = random_rbm(5, 4, 3, weights=0.0)
    flat.vbias.data, flat.hbias.data = base, torch.zeros(4, dtype=torch.float64)
    assert ais.base_log_z(rbm, base) == pytest.approx(sum_over_v(flat), abs=EXACT)


def test_base_rates_give_the_unit_means_of_the_data():
    rbm, v = random_rbm(5, 4, 3, weights=1.0), ais.exact_samples(random_rbm(5, 4, 3, weights=1.0), 500, generator())
    mean = rbm.v_mean(ais.base_rates(rbm, v)[None])[0]
    torch.testing.assert_close(mean, v.mean(0).clamp(ais.RARE, 1 - ais.RARE), atol=0.01, rtol=0)


def test_log_z_of_a_large_rbm_at_ten_thousand_temperatures_is_within_half_a_nat():
    rbm, n_chains, steps = random_rbm(784, 12, weights=0.3), 8, ais.betas(10_000)
    rbm.vbias.data -= 2  # most pixels are off
    exact = ais.exact_log_z(rbm).value
    samples = ais.exact_samples(rbm, 500, generator())
    base = ais.base_rates(rbm, samples)
    forward = ais.forward_log_z(rbm, base, n_chains, steps, generator(1))
    reverse = ais.reverse_log_z(rbm, base, samples[:n_chains], steps, generator(1))
    assert abs(forward.value - exact) < 0.5 and forward.standard_error < 0.2
    assert abs(reverse.value - exact) < 0.5 and reverse.standard_error < 0.2


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_few_temperatures_give_unbiased_weights_with_a_label_group_too(direction):
    error, standard_error = coarse_errors(direction)
    assert standard_error < 0.02
    assert abs(error) < 4 * standard_error  # importance weights are unbiased at any number of temperatures


@pytest.mark.parametrize("direction", ["forward", "reverse"])
def test_sweeping_before_the_ratio_is_evaluated_is_detected_as_bias(direction, monkeypatch):
    monkeypatch.setattr(ais, "anneal", with_next_temperature)
    error, standard_error = coarse_errors(direction)
    assert abs(error) > 10 * standard_error


def test_a_base_log_z_without_its_hidden_units_is_detected_as_bias(monkeypatch):
    monkeypatch.setattr(ais, "base_log_z", lambda rbm, base: float(rbm.log_sum_v(base[None])))
    error, standard_error = coarse_errors("forward")
    assert abs(error) > 10 * standard_error


def test_forward_ais_underestimates_log_z_and_reverse_ais_overestimates_it_on_average():
    rbm, steps = random_rbm(12, 8, weights=2.0), ais.betas(3)
    exact, no_biases = ais.exact_log_z(rbm).value, torch.zeros(12, dtype=torch.float64)
    forward, reverse = [], []
    for seed in range(100):
        rng = generator(seed)
        forward.append(ais.forward_log_z(rbm, no_biases, 2, steps, rng).value - exact)
        reverse.append(ais.reverse_log_z(rbm, no_biases, ais.exact_samples(rbm, 2, rng), steps, rng).value - exact)
    for side, errors in ((-1, torch.tensor(forward)), (1, torch.tensor(reverse))):
        assert side * errors.mean() > 4 * errors.std() / len(errors) ** 0.5


def test_the_standard_error_is_the_standard_deviation_of_repeated_runs():
    rbm, steps = random_rbm(9, 6, 3, weights=0.7), ais.betas(12)
    base = ais.base_rates(rbm, ais.exact_samples(rbm, 500, generator()))
    runs = [ais.forward_log_z(rbm, base, 1000, steps, generator(seed)) for seed in range(40)]
    spread = torch.tensor([run.value for run in runs]).std()
    reported = torch.tensor([run.standard_error for run in runs]).mean()
    assert 0.6 < reported / spread < 1.6  # 40 runs estimate a standard deviation to 11 %


def test_all_random_numbers_come_from_the_generator():
    rbm, before = random_rbm(9, 6, 3, weights=0.7), torch.get_rng_state()
    base = ais.base_rates(rbm, ais.exact_samples(rbm, 50, generator()))
    one, same, other = (ais.forward_log_z(rbm, base, 20, ais.betas(20), generator(seed)) for seed in (1, 1, 2))
    assert one == same and one != other
    assert torch.equal(before, torch.get_rng_state())
