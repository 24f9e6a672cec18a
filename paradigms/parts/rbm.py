"""The restricted Boltzmann machine: its energy, its conditionals and its sweeps; `contrastive` is how it learns.

Source: Hinton, "Training products of experts by minimizing contrastive divergence", Neural Computation 14, 2002;
softmax label units as in Hinton, Osindero & Teh 2006, section 4.

symbol     meaning                                                                  shape
v          visible units, in [0, 1]; the last `n_labels` are one softmax group      (B, V)
h          hidden units, 0 or 1                                                     (B, H)
W          weights                                                                  (V, H)
vbias      visible biases                                                           (V,)
hbias      hidden biases                                                            (H,)

E(v, h) = -v.vbias - h.hbias - v W h and F(v) = -log sum_h exp(-E(v, h)).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.parts.binary_units import bernoulli


class Downwards(nn.Module):
    """The generative half of a restricted Boltzmann machine: visible units given hidden ones.

    n_visible, n_hidden: binary units. n_labels: size of one softmax group behind the visible units, 0 for none.
    """

    def __init__(self, n_visible: int, n_hidden: int, n_labels: int = 0):
        super().__init__()
        self.n_labels = n_labels
        self.W = nn.Parameter(0.01 * torch.randn(n_visible + n_labels, n_hidden))
        self.vbias = nn.Parameter(torch.zeros(n_visible + n_labels))

    @torch.no_grad()
    def start_at_log_odds(self, v: Tensor) -> None:
        """Set vbias to the log-odds of data v (N, V); else the first hidden units all learn the mean (Hinton 2010)."""
        self.vbias.copy_(torch.logit(v.mean(0), eps=0.01))

    def v_field(self, h: Tensor) -> Tensor:
        """What each visible unit feels, (B, V), for h (B, H): the log-odds that it is on."""
        return h @ self.W.T + self.vbias

    def v_given_h(self, h: Tensor) -> Tensor:
        """Probability of each visible unit, (B, V); the label group sums to 1."""
        return self.v_mean(self.v_field(h))

    def v_mean(self, field: Tensor) -> Tensor:
        """Probability of each visible unit that feels `field` (B, V): logistic units, then a softmax of the labels."""
        if not self.n_labels:
            return torch.sigmoid(field)
        units, label = field.split([field.shape[1] - self.n_labels, self.n_labels], dim=1)
        return torch.cat([torch.sigmoid(units), label.softmax(1)], dim=1)

    def log_sum_v(self, field: Tensor) -> Tensor:
        """log sum_v exp(v . field) over the states v that are allowed, (B,), for `field` (B, V)."""
        units, label = field.split([field.shape[1] - self.n_labels, self.n_labels], dim=1)
        total = F.softplus(units).sum(1)
        return total + label.logsumexp(1) if self.n_labels else total

    def log_v_given_h(self, v: Tensor, h: Tensor) -> Tensor:
        """log p(v | h) in nats, (B,), of states v (B, V) and h (B, H)."""
        field = self.v_field(h)
        return (v * field).sum(1) - self.log_sum_v(field)

    def sample_v(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Visible states (B, V) drawn from `mean` (B, V); exactly one label unit is on."""
        if not self.n_labels:
            return bernoulli(mean, generator)
        units, label = mean.split([mean.shape[1] - self.n_labels, self.n_labels], dim=1)
        on = torch.multinomial(label, 1, generator=generator).squeeze(1)
        return torch.cat([bernoulli(units, generator), F.one_hot(on, self.n_labels).to(mean.dtype)], dim=1)


class RBM(Downwards):
    """Both halves, with the same weights."""

    def __init__(self, n_visible: int, n_hidden: int, n_labels: int = 0):
        super().__init__(n_visible, n_hidden, n_labels)
        self.hbias = nn.Parameter(torch.zeros(n_hidden))

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v), (B,)."""
        return -v @ self.vbias - F.softplus(v @ self.W + self.hbias).sum(1)

    def h_given_v(self, v: Tensor) -> Tensor:
        """Probability of each hidden unit, (B, H)."""
        return torch.sigmoid(v @ self.W + self.hbias)

    def log_h_given_v(self, h: Tensor, v: Tensor) -> Tensor:
        """log p(h | v) in nats, (B,), of states h (B, H) and v (B, V)."""
        field = v @ self.W + self.hbias
        return (h * field - F.softplus(field)).sum(1)

    def free_energy_of_labels(self, units: Tensor) -> Tensor:
        """F([units, label]) of every label, (B, n_labels), for units (B, V) without the label group."""
        n_units = len(self.vbias) - self.n_labels
        field = units @ self.W[:n_units] + self.hbias
        each = [F.softplus(field + row).sum(1) for row in self.W[n_units:]]
        return -(units @ self.vbias[:n_units])[:, None] - self.vbias[n_units:] - torch.stack(each, 1)

    def free_energy_of_units(self, units: Tensor) -> Tensor:
        """-log sum over labels of exp(-F([units, label])), (B,), for units (B, V) without the label group."""
        if not self.n_labels:
            return self.free_energy(units)
        return -torch.logsumexp(-self.free_energy_of_labels(units), 1)

    def forward(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """One Gibbs sweep, from the mean of v to the next one: draw v, draw h given v, return E[v | h], (B, V)."""
        v = self.sample_v(mean, generator)
        return self.v_given_h(bernoulli(self.h_given_v(v), generator))
