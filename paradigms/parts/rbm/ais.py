"""The partition function Z of an RBM: annealed importance sampling (AIS) in both directions, or enumeration.

Source: Neal, "Annealed importance sampling", Statistics and Computing 11, 2001; for RBMs, with the base-rate RBM,
Salakhutdinov & Murray, "On the quantitative analysis of deep belief networks", ICML 2008; both directions as a bracket:
Grosse, Ghahramani & Adams, "Sandwiching the marginal likelihood using bidirectional Monte Carlo", 2015.

symbol       meaning                                                                        shape
v            visible states: units 0 or 1, then one label of the softmax group if any       (n_chains, V)
field        v W + hbias, total input of the hidden units                                   (n_chains, H)
base         visible biases of the base-rate RBM, which has no weights                      (V,)
betas        inverse temperatures, 0 = base-rate RBM, 1 = the RBM                           (K + 1,)
log_weight   log importance weights                                                         (n_chains,)

p_beta(v) is proportional to exp((1 - beta) v.base + beta v.vbias + sum_j softplus(beta field_j)).

The mean over runs of the forward estimate of log Z is at most log Z (Jensen's inequality); that of the reverse estimate
is at least log Z if its chains start at exact samples of the RBM. A log-likelihood contains -log Z, so forward AIS
overestimates it. All functions compute in the dtype of the RBM; use float64 where one nat matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from paradigms.parts.rbm.binary_units import bernoulli
from paradigms.parts.rbm.rbm import RBM
from paradigms.parts.rbm.units import UNITS

MAX_ENUMERATED = 20  # units: 2^20 states of the smaller side
CHUNK = 4096  # states in memory at a time
RARE = 0.01  # lowest probability of a base-rate unit, so that no unit stays constant along a chain


class LogZ(NamedTuple):
    """log Z in nats and its standard error, 0 if exact; the error ignores modes that no chain has visited."""

    value: float
    standard_error: float


def betas(n: int) -> Tensor:
    """n + 1 evenly spaced inverse temperatures from 0 to 1; other spacings gave no gain on the RBMs here."""
    return torch.linspace(0, 1, n + 1, dtype=torch.float64)


@torch.no_grad()
def base_rates(rbm: RBM, v: Tensor) -> Tensor:
    """Visible biases (V,) of the RBM without weights that has the unit means of data v (N, V)."""
    rate = v.mean(0).to(rbm.W.dtype)
    n_units = len(rate) - rbm.n_labels
    return torch.cat([torch.logit(rate[:n_units], eps=RARE), rate[n_units:].clamp(min=RARE).log()])


@torch.no_grad()
def forward_log_z(rbm: RBM, base: Tensor, n_chains: int, betas: Tensor, generator: torch.Generator) -> LogZ:
    """Forward AIS, from the base-rate RBM to `rbm`: log Z, an underestimate on average.

    base: visible biases of the base-rate RBM, (V,).
    n_chains: number of independent chains.
    betas: inverse temperatures, ascending from 0 to 1; the bias shrinks with their number.
    generator: source of all random numbers.
    """
    v = rbm.sample_v(rbm.v_mean(base.expand(n_chains, -1)), generator)
    ratio, standard_error = log_mean(anneal(rbm, base, v, betas, generator))
    return LogZ(base_log_z(rbm, base) + ratio, standard_error)


@torch.no_grad()
def reverse_log_z(rbm: RBM, base: Tensor, v: Tensor, betas: Tensor, generator: torch.Generator) -> LogZ:
    """Reverse AIS, from `rbm` to the base-rate RBM: log Z, an overestimate on average if `v` are exact samples.

    v: states of the RBM, (n_chains, V): from `exact_samples`, or of long chains, which make the property approximate.
    base, betas, generator: as in `forward_log_z`; betas ascend here too.
    """
    ratio, standard_error = log_mean(anneal(rbm, base, v, betas.flip(0), generator))
    return LogZ(base_log_z(rbm, base) - ratio, standard_error)


def base_log_z(rbm: RBM, base: Tensor) -> float:
    """log Z at beta = 0: independent visible units with biases `base` (V,), and hidden units without bias."""
    return len(rbm.hbias) * math.log(2) + float(rbm.log_sum_v(base[None]))


@torch.no_grad()
def anneal(rbm: RBM, base: Tensor, v: Tensor, betas: Tensor, generator: torch.Generator) -> Tensor:
    """Log importance weights (n_chains,), float64, of chains from v (n_chains, V) through `betas` in the given order.

    The ratio of two successive distributions is evaluated at a state of the earlier one, before a Gibbs sweep of the
    later one changes that state. In the other order the weights are biased.
    """
    slope = rbm.vbias - base
    log_weight = torch.zeros(len(v), dtype=torch.float64, device=v.device)
    for beta, after in pairwise(betas.tolist()):
        field = torch.addmm(rbm.hbias, v, rbm.W)
        change = (F.softplus(after * field) - F.softplus(beta * field)).sum(1)
        log_weight += torch.add(change, v @ slope, alpha=after - beta)
        v = sweep(rbm, base, field, after, generator)
    return log_weight


def sweep(rbm: RBM, base: Tensor, field: Tensor, beta: float, generator: torch.Generator) -> Tensor:
    """Visible states after one Gibbs sweep at `beta` from those with `field`; reversible, as both directions need."""
    h = bernoulli(torch.sigmoid(beta * field), generator)
    bias = torch.lerp(base, rbm.vbias, beta)
    return rbm.sample_v(rbm.v_mean(torch.addmm(bias, h, rbm.W.T, alpha=beta)), generator)


def log_mean(log_weight: Tensor) -> LogZ:
    """Log of the mean weight, from log weights (n,), and its standard error sd / (mean sqrt(n)) (delta method)."""
    top = log_weight.max()
    weight = (log_weight - top).exp()
    standard_error = weight.std() / weight.mean() / math.sqrt(len(weight)) if len(weight) > 1 else math.inf
    return LogZ(float(top + weight.mean().log()), float(standard_error))


def can_enumerate(rbm: RBM) -> bool:
    """Whether `exact_log_z` can enumerate a layer: at most MAX_ENUMERATED binary units in it."""
    return min(_sides(rbm)) <= MAX_ENUMERATED


def _sides(rbm: RBM) -> tuple[float, float]:
    """log2 of the number of visible states (without labels) and of hidden states; infinite for Gaussian units."""
    return len(rbm.vbias) - rbm.n_labels, len(rbm.hbias) if rbm.hidden == UNITS["binary"] else math.inf


@torch.no_grad()
def exact_log_z(rbm: RBM) -> LogZ:
    """log Z by enumerating the smaller layer. Raises ValueError where both have more than MAX_ENUMERATED units."""
    if not can_enumerate(rbm):
        raise ValueError(
            f"an RBM of {' x '.join(map(str, _sides(rbm)))} units; allowed: at most {MAX_ENUMERATED} in one layer"
        )
    n_units, n_hidden = _sides(rbm)
    if n_hidden <= n_units:
        parts = [log_mass_of_h(rbm, h).logsumexp(0) for h in binary_states(len(rbm.hbias), rbm.W)]
    else:
        parts = [(-rbm.free_energy_of_units(u)).logsumexp(0) for u in binary_states(n_units, rbm.W)]
    return LogZ(float(torch.stack(parts).logsumexp(0)), 0.0)


def log_mass_of_h(rbm: RBM, h: Tensor) -> Tensor:
    """log sum_v exp(-E(v, h)), (B,), of hidden states h (B, H)."""
    return h @ rbm.hbias + rbm.log_sum_v(torch.addmm(rbm.vbias, h, rbm.W.T))


@torch.no_grad()
def exact_samples(rbm: RBM, n: int, generator: torch.Generator) -> Tensor:
    """n independent visible states (n, V) of an RBM whose hidden layer can be enumerated."""
    h = torch.cat(list(binary_states(len(rbm.hbias), rbm.W)))
    probability = log_mass_of_h(rbm, h).softmax(0)
    # torch.multinomial takes at most 2^24 categories, which MAX_ENUMERATED stays below.
    drawn = torch.multinomial(probability, n, replacement=True, generator=generator)
    return rbm.sample_v(rbm.v_given_h(h[drawn]), generator)


def binary_states(n: int, like: Tensor) -> Iterator[Tensor]:
    """All 2^n states of n binary units, at most CHUNK rows at a time, in the dtype and on the device of `like`."""
    bits = torch.arange(n, device=like.device)
    for start in range(0, 1 << n, CHUNK):
        index = torch.arange(start, min(start + CHUNK, 1 << n), device=like.device)
        yield ((index[:, None] >> bits) & 1).to(like.dtype)
