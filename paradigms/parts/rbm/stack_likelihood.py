"""log p(v) of a deep belief network: a variational lower bound, and the exact value where layers are small.

Source: Salakhutdinov & Murray, "On the quantitative analysis of deep belief networks", ICML 2008.

symbol   meaning                                                             shape
v        sampled binary pixels                                               (B, C H W)
h        states of the layers above; the last are units of the top RBM       (B, width)
q        recognition distribution: the product of each RBM's p(h | v)        (B, width) probabilities

log p(v) >= E_q[log p(v | h_1) + log p(h_1 | h_2) + ... + log p_top(h) - log q(h_1, ...| v)], label units summed out.

With the exact log Z of the top RBM, the variational bound is at most log p(v). Forward AIS underestimates log Z on
average and so overestimates the bound. Reverse AIS overestimates log Z and so underestimates the bound, provided that
its chains start at samples of the model. The two bracket the bound, not log p(v), which exceeds the bound by
KL(q || posterior).
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
from paradigms.parts.rbm.rbm import RBM, GenerativeLayer

N_SWEEPS = 100  # from samples of the chains of training, whose weights still changed, to samples of the final weights
N_DRAWS = 10  # samples of q per image
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
    """Likelihood of the network, computed in float64; `exact` is log p(v), None where layers are too large to sum.

    rbms: recognition weights below the top RBM, the lowest first.
    down: generative weights of the same layers; the same RBMs where weights are tied.
    top: the top RBM.
    v: binary pixels, (B, C H W).
    samples: visible states (n_chains, width + n_labels) of the top RBM; N_SWEEPS later the reverse chains start there.
    generator: source of all random numbers.
    n_betas: number of temperature steps of AIS.
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
    down: Sequence[GenerativeLayer],
    top: RBM,
    v: Tensor,
    log_z: float,
    n_draws: int,
    generator: torch.Generator,
) -> Tensor:
    """Unbiased estimates (B,) in nats of the variational lower bound on log p(v).

    rbms, down, top, generator: as in `stack_likelihood`.
    v: binary pixels, (B, C H W).
    log_z: log Z of `top`; an estimate that is too low gives values that are too high to be a bound.
    n_draws: samples of q per image.
    """
    total = torch.zeros(len(v), dtype=v.dtype, device=v.device)
    for _ in range(n_draws):
        below = v
        for rbm, layer in zip(rbms, down, strict=True):
            h = bernoulli(rbm.h_given_v(below), generator)
            # log q of the sample, not its exact mean: its noise cancels that of log p where q is near the posterior.
            total += layer.log_v_given_h(below, h) - rbm.log_h_given_v(h, below)
            below = h
        total -= top.free_energy_of_units(below)
    return total / n_draws - log_z


def can_sum(down: Sequence[GenerativeLayer], top: RBM) -> bool:
    """Whether `exact_log_likelihood` can enumerate: at most MAX_LAYER units in each layer, and the top RBM's log Z."""
    return all(layer.W.shape[1] <= MAX_LAYER for layer in down) and can_enumerate(top)


@torch.no_grad()
def exact_log_likelihood(down: Sequence[GenerativeLayer], top: RBM, v: Tensor) -> Tensor:
    """log p(v) (B,) in nats of v (B, C H W), summed over all states of all layers; needs `can_sum`."""
    if not down:
        return -top.free_energy_of_units(v) - exact_log_z(top).value
    h = _all_states(top.W.shape[0] - top.n_labels, top.W)
    log_p = -top.free_energy_of_units(h) - exact_log_z(top).value
    for layer in reversed(down[1:]):
        below = _all_states(layer.W.shape[0], layer.W)
        log_p, h = _below(layer, below, h, log_p), below
    return _below(down[0], v, h, log_p)


def _below(layer: GenerativeLayer, v: Tensor, h: Tensor, log_p: Tensor) -> Tensor:
    """log p(v), (B,), from all states h (S, H) of the layer above and their log-probabilities log_p (S,)."""
    field = layer.v_field(h)
    return torch.logsumexp(v @ field.T - layer.log_sum_v(field) + log_p, dim=1)


def _all_states(n: int, like: Tensor) -> Tensor:
    return torch.cat(list(binary_states(n, like)))
