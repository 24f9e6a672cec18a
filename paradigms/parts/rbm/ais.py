"""The partition function of an RBM: annealed importance sampling from two sides; enumeration where that is possible.

Source: Neal, "Annealed importance sampling", Statistics and Computing 11, 2001; for RBMs, with the base-rate RBM,
Salakhutdinov & Murray, "On the quantitative analysis of deep belief networks", ICML 2008; both directions as a bracket:
Grosse, Ghahramani & Adams, "Sandwiching the marginal likelihood using bidirectional Monte Carlo", 2015.

symbol       meaning                                                                        shape
v            visible states: units 0 or 1, then one label of the softmax group if any       (n_chains, V)
field        v W + hbias, what the hidden units feel                                        (n_chains, H)
base         visible biases of the base-rate RBM, which has no weights                      (V,)
betas        inverse temperatures, 0 = base-rate RBM, 1 = the RBM                           (K + 1,)
log_weight   logs of the importance weights                                                 (n_chains,)

p_beta(v) is proportional to exp((1 - beta) v.base + beta v.vbias + sum_j softplus(beta field_j)).

On average over runs, the forward estimate of log Z is at most log Z (Jensen), and the reverse one at least log Z if its
chains start at exact samples of the RBM: for a likelihood, which has -log Z in it, forward is the optimistic side.
Everything runs in the dtype of the RBM; make it float64 where a nat matters.
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
RARE = 0.01  # a base-rate unit is on at least this often, so that no chain is frozen in it


class LogZ(NamedTuple):
    """log Z in nats and its standard error, 0 if exact; the error is blind to what no chain has met."""

    value: float
    standard_error: float


def betas(n: int) -> Tensor:
    """n + 1 evenly spaced inverse temperatures from 0 to 1; RBMs as small as ours gain nothing by other spacings."""
    return torch.linspace(0, 1, n + 1, dtype=torch.float64)


@torch.no_grad()
def base_rates(rbm: RBM, v: Tensor) -> Tensor:
    """Visible biases (V,) of the RBM without weights whose units are on as often as in data v (N, V)."""
    rate = v.mean(0).to(rbm.W.dtype)
    n_units = len(rate) - rbm.n_labels
    return torch.cat([torch.logit(rate[:n_units], eps=RARE), rate[n_units:].clamp(min=RARE).log()])


@torch.no_grad()
def forward_log_z(rbm: RBM, base: Tensor, n_chains: int, betas: Tensor, generator: torch.Generator) -> LogZ:
    """AIS from the base-rate RBM to `rbm`: too low on average, by less the more betas (ascending from 0 to 1)."""
    v = rbm.sample_v(rbm.v_mean(base.expand(n_chains, -1)), generator)
    ratio, standard_error = log_mean(anneal(rbm, base, v, betas, generator))
    return LogZ(base_log_z(rbm, base) + ratio, standard_error)


@torch.no_grad()
def reverse_log_z(rbm: RBM, base: Tensor, v: Tensor, betas: Tensor, generator: torch.Generator) -> LogZ:
    """AIS from states v (n_chains, V) of `rbm` itself back to the base-rate RBM, over the same ascending betas.

    Too high on average if v are exact samples (`exact_samples`); with long-run samples, as far as they are like exact.
    """
    ratio, standard_error = log_mean(anneal(rbm, base, v, betas.flip(0), generator))
    return LogZ(base_log_z(rbm, base) - ratio, standard_error)


def base_log_z(rbm: RBM, base: Tensor) -> float:
    """log Z at beta = 0: independent visible units, and hidden ones that are fair coins."""
    return len(rbm.hbias) * math.log(2) + float(rbm.log_sum_v(base[None]))


@torch.no_grad()
def anneal(rbm: RBM, base: Tensor, v: Tensor, betas: Tensor, generator: torch.Generator) -> Tensor:
    """Log weights (n_chains,), float64, of chains from v through the temperatures `betas`, in the order given.

    The ratio between two temperatures is taken at a state that the earlier one has produced; only then does a Gibbs
    sweep of the later one move it. In the other order the weights estimate something else.
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
    """Visible states after one Gibbs sweep at `beta` from those that gave `field`; reversible, so of use both ways."""
    h = bernoulli(torch.sigmoid(beta * field), generator)
    bias = torch.lerp(base, rbm.vbias, beta)
    return rbm.sample_v(rbm.v_mean(torch.addmm(bias, h, rbm.W.T, alpha=beta)), generator)


def log_mean(log_weight: Tensor) -> LogZ:
    """Log of the mean weight and its standard error, from log weights (n,): sd / (mean sqrt(n)) by the delta method."""
    top = log_weight.max()
    weight = (log_weight - top).exp()
    standard_error = weight.std() / weight.mean() / math.sqrt(len(weight)) if len(weight) > 1 else math.inf
    return LogZ(float(top + weight.mean().log()), float(standard_error))


def can_enumerate(rbm: RBM) -> bool:
    """Whether a side of binary units, the smaller one, has few enough of them for `exact_log_z`."""
    return min(_sides(rbm)) <= MAX_ENUMERATED


def _sides(rbm: RBM) -> tuple[float, float]:
    """States to enumerate as their log2, visible and hidden; infinite on a Gaussian side."""
    sides = (rbm.visible, len(rbm.vbias) - rbm.n_labels), (rbm.hidden, len(rbm.hbias))
    return tuple(n if kind == UNITS["binary"] else math.inf for kind, n in sides)


@torch.no_grad()
def exact_log_z(rbm: RBM) -> LogZ:
    """log Z by enumerating the smaller side. Raises ValueError where both have more than MAX_ENUMERATED units."""
    if not can_enumerate(rbm):
        raise ValueError(
            f"an RBM of {' x '.join(map(str, _sides(rbm)))} units; allowed: at most {MAX_ENUMERATED} on one side"
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
    """n independent visible states (n, V) of an RBM whose hidden side can be enumerated."""
    h = torch.cat(list(binary_states(len(rbm.hbias), rbm.W)))
    probability = log_mass_of_h(rbm, h).softmax(0)
    # torch.multinomial takes at most 2^24 categories, which MAX_ENUMERATED stays below.
    drawn = torch.multinomial(probability, n, replacement=True, generator=generator)
    return rbm.sample_v(rbm.v_given_h(h[drawn]), generator)


def binary_states(n: int, like: Tensor) -> Iterator[Tensor]:
    """All 2^n states of n binary units, a few thousand rows at a time, in the dtype and on the device of `like`."""
    bits = torch.arange(n, device=like.device)
    for start in range(0, 1 << n, CHUNK):
        index = torch.arange(start, min(start + CHUNK, 1 << n), device=like.device)
        yield ((index[:, None] >> bits) & 1).to(like.dtype)
