"""The restricted Boltzmann machine: energy, free energy, conditional distributions and Gibbs sweeps.

Source: Hinton, "Training products of experts by minimizing contrastive divergence", Neural Computation 14, 2002;
softmax label units as in Hinton, Osindero & Teh 2006, section 4. How it is trained: `contrastive`.

symbol     meaning                                                              shape
v          visible units, binary; the last `n_labels` are one softmax group     (B, V)
h          hidden units, binary or Gaussian                                     (B, H)
W          weights                                                              (V, H)
vbias      visible biases                                                       (V,)
hbias      hidden biases                                                        (H,)
field      total input of the units of one layer: bias + weighted states        (B, V) or (B, H)

E(v, h) = -v.vbias - h.hbias - v W h, plus h.h / 2 for Gaussian hidden units; F(v) = -log sum_h exp(-E(v, h)).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.parts.options import requestable
from paradigms.parts.rbm.binary_units import bernoulli
from paradigms.parts.rbm.units import UNITS


class GenerativeLayer(nn.Module):
    """The generative direction of an RBM: the distribution of the visible units given the hidden ones.

    n_visible: number of visible units without the label group.
    n_hidden: number of hidden units.
    n_labels: size of the softmax group behind the visible units; 0 for none.
    """

    def __init__(self, n_visible: int, n_hidden: int, n_labels: int = 0):
        super().__init__()
        self.n_labels = n_labels
        self.W = nn.Parameter(0.01 * torch.randn(n_visible + n_labels, n_hidden))
        self.vbias = nn.Parameter(torch.zeros(n_visible + n_labels))

    @torch.no_grad()
    def set_visible_biases(self, v: Tensor) -> None:
        """Set vbias to the log-odds of the mean of data v (N, V).

        From zero biases, the hidden units would all first learn that mean (Hinton, "A practical guide to training
        restricted Boltzmann machines", 2010, section 8).
        """
        self.vbias.copy_(torch.logit(v.mean(0), eps=0.01))

    def v_field(self, h: Tensor) -> Tensor:
        """Total input of each visible unit, (B, V), for h (B, H): its log-odds outside the label group."""
        return torch.addmm(self.vbias, h, self.W.T)

    def v_given_h(self, h: Tensor) -> Tensor:
        """p(v_i = 1 | h) of each visible unit, (B, V), for h (B, H); the label group sums to 1."""
        return self.v_mean(self.v_field(h))

    def v_mean(self, field: Tensor) -> Tensor:
        """Probability of each visible unit, (B, V), given total inputs `field` (B, V); softmax over the labels."""
        if not self.n_labels:
            return torch.sigmoid(field)
        units, label = field.split([field.shape[1] - self.n_labels, self.n_labels], dim=1)
        return torch.cat([torch.sigmoid(units), label.softmax(1)], dim=1)

    def log_sum_v(self, field: Tensor) -> Tensor:
        """log sum_v exp(v.field), (B,), over all states v with exactly one label on, for `field` (B, V)."""
        units, label = field.split([field.shape[1] - self.n_labels, self.n_labels], dim=1)
        total = F.softplus(units).sum(1)
        return total + label.logsumexp(1) if self.n_labels else total

    def log_v_given_h(self, v: Tensor, h: Tensor) -> Tensor:
        """log p(v | h) in nats, (B,), of states v (B, V) and h (B, H)."""
        field = self.v_field(h)
        return (v * field).sum(1) - self.log_sum_v(field)

    def sample_v(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Visible states (B, V) sampled with probabilities `mean` (B, V); exactly one label unit is on."""
        if not self.n_labels:
            return bernoulli(mean, generator)
        units, label = mean.split([mean.shape[1] - self.n_labels, self.n_labels], dim=1)
        on = torch.multinomial(label, 1, generator=generator).squeeze(1)
        return torch.cat([bernoulli(units, generator), F.one_hot(on, self.n_labels).to(mean.dtype)], dim=1)

    def noise(self, n: int, generator: torch.Generator | None = None, label: Tensor | None = None) -> Tensor:
        """n uniformly distributed visible states (n, V): fair coins, and a label from the uniform distribution.

        label: classes of the label units, (n,), instead; ValueError where there are no label units.
        """
        requestable(label, self.n_labels > 0)
        v = self.sample_v(self.v_mean(torch.zeros_like(self.vbias).expand(n, -1)), generator)
        if label is not None:
            v[:, len(self.vbias) - self.n_labels :] = F.one_hot(label, self.n_labels).to(v)
        return v


class RBM(GenerativeLayer):
    """Restricted Boltzmann machine: both directions with the same weights.

    n_visible, n_hidden, n_labels: as in GenerativeLayer.
    hidden: kind of the hidden units, a key of UNITS: "binary" or "gaussian".
    """

    def __init__(self, n_visible: int, n_hidden: int, n_labels: int = 0, hidden: str = "binary"):
        super().__init__(n_visible, n_hidden, n_labels)
        self.hidden = UNITS[hidden]
        self.hbias = nn.Parameter(torch.zeros(n_hidden))

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v), (B,), of visible states v (B, V)."""
        return -(v @ self.vbias) - self.hidden.log_sum(v @ self.W + self.hbias).sum(1)

    def h_given_v(self, v: Tensor) -> Tensor:
        """E[h | v] of each hidden unit, (B, H), for v (B, V): a probability where the units are binary."""
        return self.hidden.mean(torch.addmm(self.hbias, v, self.W))

    def sample_h(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Hidden states (B, H) sampled with conditional means `mean` (B, H)."""
        return self.hidden.draw(mean, generator)

    def log_h_given_v(self, h: Tensor, v: Tensor) -> Tensor:
        """log p(h | v) in nats, (B,), of states h (B, H) and v (B, V)."""
        field = v @ self.W + self.hbias
        return (h * field - self.hidden.self_energy(h) - self.hidden.log_sum(field)).sum(1)

    def free_energy_of_labels(self, units: Tensor) -> Tensor:
        """F([units, label]) of every label, (B, n_labels), for units (B, V - n_labels)."""
        n_units = len(self.vbias) - self.n_labels
        field = units @ self.W[:n_units] + self.hbias
        each = [self.hidden.log_sum(field + row).sum(1) for row in self.W[n_units:]]
        return -(units @ self.vbias[:n_units])[:, None] - self.vbias[n_units:] - torch.stack(each, 1)

    def free_energy_of_units(self, units: Tensor) -> Tensor:
        """-log sum over labels of exp(-F([units, label])), (B,), for units (B, V - n_labels)."""
        if not self.n_labels:
            return self.free_energy(units)
        return -torch.logsumexp(-self.free_energy_of_labels(units), 1)

    def forward(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """One Gibbs sweep: sample v with probabilities `mean` (B, V), sample h given v, return E[v | h], (B, V)."""
        v = self.sample_v(mean, generator)
        return self.v_given_h(self.sample_h(self.h_given_v(v), generator))
