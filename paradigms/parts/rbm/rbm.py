"""The restricted Boltzmann machine: its energy, its conditionals and its sweeps; `contrastive` is how it learns.

Source: Hinton, "Training products of experts by minimizing contrastive divergence", Neural Computation 14, 2002;
softmax label units as in Hinton, Osindero & Teh 2006, section 4.

symbol     meaning                                                                  shape
v          visible units, binary or Gaussian; the last `n_labels` are one softmax   (B, V)
h          hidden units, binary or Gaussian                                         (B, H)
W          weights                                                                  (V, H)
vbias      visible biases                                                           (V,)
hbias      hidden biases                                                            (H,)

E(v, h) = -v.vbias - h.hbias - v W h and F(v) = -log sum_h exp(-E(v, h)); a Gaussian unit s adds s^2 / 2 to the energy.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from paradigms.parts.rbm.units import UNITS


class Downwards(nn.Module):
    """The generative half of a restricted Boltzmann machine: visible units given hidden ones.

    n_visible, n_hidden: units, the visible ones of the kind `visible` in UNITS. n_labels: size of one softmax group
    behind the visible units, 0 for none.
    """

    def __init__(self, n_visible: int, n_hidden: int, n_labels: int = 0, visible: str = "binary"):
        super().__init__()
        self.n_labels, self.visible = n_labels, UNITS[visible]
        self.W = nn.Parameter(0.01 * torch.randn(n_visible + n_labels, n_hidden))
        self.vbias = nn.Parameter(torch.zeros(n_visible + n_labels))

    @torch.no_grad()
    def start_at(self, v: Tensor) -> None:
        """Set vbias to what gives the mean of data v (N, V), for binary units the log-odds; else the first hidden
        units all learn the mean (Hinton 2010)."""
        self.vbias.copy_(self.visible.field(v.mean(0)))

    def v_field(self, h: Tensor) -> Tensor:
        """What each visible unit feels, (B, V), for h (B, H): if binary, the log-odds that it is on."""
        return torch.addmm(self.vbias, h, self.W.T)

    def v_given_h(self, h: Tensor) -> Tensor:
        """Mean of each visible unit, (B, V), if binary its probability; the label group sums to 1."""
        return self.v_mean(self.v_field(h))

    def v_mean(self, field: Tensor) -> Tensor:
        """Mean of each visible unit that feels `field` (B, V): the units, then a softmax of the labels."""
        if not self.n_labels:
            return self.visible.mean(field)
        units, label = field.split([field.shape[1] - self.n_labels, self.n_labels], dim=1)
        return torch.cat([self.visible.mean(units), label.softmax(1)], dim=1)

    def log_sum_v(self, field: Tensor) -> Tensor:
        """log sum_v exp(v . field - own(v)) over the states v that are allowed, (B,), for `field` (B, V)."""
        units, label = field.split([field.shape[1] - self.n_labels, self.n_labels], dim=1)
        total = self.visible.log_sum(units).sum(1)
        return total + label.logsumexp(1) if self.n_labels else total

    def log_v_given_h(self, v: Tensor, h: Tensor) -> Tensor:
        """log p(v | h) in nats, (B,), of states v (B, V) and h (B, H)."""
        field = self.v_field(h)
        return (v * field).sum(1) - self.v_own(v) - self.log_sum_v(field)

    def v_own(self, v: Tensor) -> Tensor:
        """The energy of states v (B, V) that depends on no parameter, (B,); 0 for binary units."""
        return self.visible.own(v[:, : v.shape[1] - self.n_labels]).sum(1)

    def sample_v(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Visible states (B, V) drawn from `mean` (B, V); exactly one label unit is on."""
        if not self.n_labels:
            return self.visible.draw(mean, generator)
        units, label = mean.split([mean.shape[1] - self.n_labels, self.n_labels], dim=1)
        on = torch.multinomial(label, 1, generator=generator).squeeze(1)
        return torch.cat([self.visible.draw(units, generator), F.one_hot(on, self.n_labels).to(mean.dtype)], dim=1)

    def noise(self, n: int, generator: torch.Generator | None = None) -> Tensor:
        """n visible states (n, V) that know nothing: what units without a field do."""
        return self.sample_v(self.v_mean(torch.zeros_like(self.vbias).expand(n, -1)), generator)


class RBM(Downwards):
    """Both halves, with the same weights; hidden units of the kind `hidden` in UNITS.

    Raises ValueError if both sides are Gaussian: such a machine has no distribution unless its weights are small.
    """

    def __init__(
        self, n_visible: int, n_hidden: int, n_labels: int = 0, visible: str = "binary", hidden: str = "binary"
    ):
        super().__init__(n_visible, n_hidden, n_labels, visible)
        if visible == hidden == "gaussian":
            raise ValueError("visible = hidden = 'gaussian'; allowed: at most one Gaussian side")
        self.hidden = UNITS[hidden]
        self.hbias = nn.Parameter(torch.zeros(n_hidden))

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v), (B,)."""
        return self.v_own(v) - v @ self.vbias - self.hidden.log_sum(v @ self.W + self.hbias).sum(1)

    def h_given_v(self, v: Tensor) -> Tensor:
        """Mean of each hidden unit, (B, H), if binary its probability."""
        return self.hidden.mean(torch.addmm(self.hbias, v, self.W))

    def sample_h(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Hidden states (B, H) drawn from `mean` (B, H)."""
        return self.hidden.draw(mean, generator)

    def log_h_given_v(self, h: Tensor, v: Tensor) -> Tensor:
        """log p(h | v) in nats, (B,), of states h (B, H) and v (B, V)."""
        field = v @ self.W + self.hbias
        return (h * field - self.hidden.own(h) - self.hidden.log_sum(field)).sum(1)

    def free_energy_of_labels(self, units: Tensor) -> Tensor:
        """F([units, label]) of every label, (B, n_labels), for units (B, V) without the label group."""
        n_units = len(self.vbias) - self.n_labels
        field = units @ self.W[:n_units] + self.hbias
        each = [self.hidden.log_sum(field + row).sum(1) for row in self.W[n_units:]]
        own = self.visible.own(units).sum(1)
        return (own - units @ self.vbias[:n_units])[:, None] - self.vbias[n_units:] - torch.stack(each, 1)

    def free_energy_of_units(self, units: Tensor) -> Tensor:
        """-log sum over labels of exp(-F([units, label])), (B,), for units (B, V) without the label group."""
        if not self.n_labels:
            return self.free_energy(units)
        return -torch.logsumexp(-self.free_energy_of_labels(units), 1)

    def forward(self, mean: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """One Gibbs sweep, from the mean of v to the next one: draw v, draw h given v, return E[v | h], (B, V)."""
        v = self.sample_v(mean, generator)
        return self.v_given_h(self.sample_h(self.h_given_v(v), generator))
