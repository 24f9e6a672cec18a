"""log p(v) of greedily learnt RBMs under a top RBM: a variational lower bound, and the sum itself where it is small.

Source: Salakhutdinov & Murray, "On the quantitative analysis of deep belief networks", ICML 2008.

symbol   meaning                                                             shape
v        drawn binary pixels                                                 (B, C H W)
h        states of the layers above; the last are units of the top RBM       (B, width)
q        the recognition distribution: each RBM's h given v                  factorial

log p(v) >= E_q[log p(v | h_1) + log p(h_1 | h_2) + ... + log p_top(h) - log q(h_1, ...| v)], label units summed out.

What bounds what: the variational bound with the true log Z of the top RBM is at most log p(v). AIS forward gives too
low a log Z on average, hence too high a bound; AIS in reverse too high a log Z, hence too low a bound, as far as its
chains start at samples of the model. The bracket is about the bound; log p(v) is above it by the gap of q.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor, nn

from paradigms.base import Likelihood
from paradigms.parts.rbm.ais import (
    base_rates,
    betas,
    binary_states,
    can_enumerate,
    exact_log_z,
    forward_log_z,
    reverse_log_z,
)
from paradigms.parts.rbm.binary_units import bernoulli
from paradigms.parts.rbm.contrastive import gibbs
from paradigms.parts.rbm.rbm import RBM, Downwards

N_SWEEPS = 100  # that take samples left over from training to the weights as they are
N_DRAWS = 10
Z_SCORE = 3.0
METHOD = (
    "variational lower bound of drawn binary pixels, labels summed out; log Z of the top RBM by AIS: from the base "
    "rates (ais, optimistic) and in reverse from long-run samples (pessimistic); exact: log p itself"
)
MAX_LAYER = 10  # units of a layer whose states are enumerated against those of the next one


@torch.no_grad()
def stack_likelihood(
    rbms: nn.ModuleList,
    down: nn.ModuleList,
    top: RBM,
    v: Tensor,
    samples: Tensor,
    generator: torch.Generator,
    n_betas: int,
) -> Likelihood:
    """Likelihood of binary pixels v (B, C H W) under the stack, computed in float64.

    rbms: recognition, the lowest first. down: generation; the same machines where weights are tied. samples: visible
    states (n_chains, width + n_labels) of the top RBM to start the reverse chains at, after a few more sweeps. n_betas:
    temperatures of annealing. `exact`
    is the log-likelihood, which the bound is below; None where the layers are too large to sum.
    """
    rbms, down, top = (deepcopy(part).double() for part in (rbms, down, top))
    v, samples = v.double(), samples.double()
    below = variational_bound(rbms, down, top, v, 0.0, N_DRAWS, generator).mean().item()
    base, steps = base_rates(top, samples), betas(n_betas)
    forward = forward_log_z(top, base, len(samples), steps, generator)
    samples = gibbs(top, top.h_given_v(samples), N_SWEEPS, generator).v
    reverse = reverse_log_z(top, base, samples, steps, generator)
    margins = [(z.value, Z_SCORE * z.standard_error) for z in (forward, reverse)]
    return Likelihood(
        ais=below - forward.value,
        ais_low=below - max(value + margin for value, margin in margins),
        ais_high=below - min(value - margin for value, margin in margins),
        exact=exact_log_likelihood(down, top, v).mean().item() if can_sum(down, top) else None,
        method=METHOD,
    )


@torch.no_grad()
def variational_bound(
    rbms: Sequence[RBM],
    down: Sequence[Downwards],
    top: RBM,
    v: Tensor,
    log_z: float,
    n_draws: int,
    generator: torch.Generator,
) -> Tensor:
    """Lower bounds (B,) in nats on log p(v), v (B, C H W) binary, if `log_z` is log Z of `top`.

    Unbiased for the bound: q is drawn `n_draws` times. With an estimate of log Z it is a bound only as far as that
    estimate is not too low.
    """
    total = torch.zeros(len(v), dtype=v.dtype, device=v.device)
    for _ in range(n_draws):
        below = v
        for rbm, layer in zip(rbms, down, strict=True):
            h = bernoulli(rbm.h_given_v(below), generator)
            # The drawn log q, not its exact mean: it cancels the noise of the other term where q is near the posterior.
            total += layer.log_v_given_h(below, h) - rbm.log_h_given_v(h, below)
            below = h
        total -= top.free_energy_of_units(below)
    return total / n_draws - log_z


def can_sum(down: Sequence[Downwards], top: RBM) -> bool:
    """Whether `exact_log_likelihood` is possible: every layer above the pixels has few units."""
    return all(layer.W.shape[1] <= MAX_LAYER for layer in down) and can_enumerate(top)


@torch.no_grad()
def exact_log_likelihood(down: Sequence[Downwards], top: RBM, v: Tensor) -> Tensor:
    """log p(v) (B,) in nats, summed over all states of all layers; only where `can_sum` says so."""
    h = _all_states(top.W.shape[0] - top.n_labels, top.W)
    log_p = -top.free_energy_of_units(h) - exact_log_z(top).value
    for layer in reversed(down[1:]):
        below = _all_states(layer.W.shape[0], layer.W)
        log_p, h = _below(layer, below, h, log_p), below
    return _below(down[0], v, h, log_p)


def _below(layer: Downwards, v: Tensor, h: Tensor, log_p: Tensor) -> Tensor:
    """log p(v), (B,), where h (S, H) are all states of the layer above and log_p (S,) their log-probabilities."""
    field = layer.v_field(h)
    return torch.logsumexp(v @ field.T - layer.log_sum_v(field) + log_p, dim=1)


def _all_states(n: int, like: Tensor) -> Tensor:
    return torch.cat(list(binary_states(n, like)))
