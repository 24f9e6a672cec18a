"""How a restricted Boltzmann machine learns: from statistics on data against those of chains, as an ordinary loss.

Source: CD-k: Hinton, Neural Computation 14, 2002, equation 5; chains that persist (PCD): Tieleman, ICML 2008; chains
from noise, as long as those that sample (Rdm-k): Decelle, Furtlehner & Seoane, NeurIPS 2021; centred gradient:
Melchior, Fischer & Wiskott, JMLR 17, 2016. Symbols as in `rbm`.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from paradigms.parts.rbm.rbm import RBM


class States(NamedTuple):
    """Visible states v (B, V) and the means of the hidden units given them, h (B, H)."""

    v: Tensor
    h: Tensor


@torch.no_grad()
def on_data(rbm: RBM, v: Tensor) -> States:
    """Data v (B, V) as states."""
    return States(v, rbm.h_given_v(v))


@torch.no_grad()
def gibbs(rbm: RBM, h: Tensor, n_sweeps: int, generator: torch.Generator | None = None) -> States:
    """The states after `n_sweeps` of at least 1 sweep, started at hidden means h (B, H)."""
    for _ in range(n_sweeps):
        v = rbm.sample_v(rbm.v_given_h(rbm.sample_h(h, generator)), generator)
        h = rbm.h_given_v(v)
    return States(v, h)


def contrastive_loss(rbm: RBM, data: States, model: States, centred: bool = False) -> Tensor:
    """Mean energy of `data` minus that of `model`, a scalar: its gradient is the textbook difference of statistics.

    It is also that of mean F(data.v) - mean F(model.v), for a third less time: every probability is used twice, and
    both outer products are one matrix. The states are constants. Those of the model come from `gibbs`: started at the
    data's h (CD-k), where it last ended (PCD) or at noise (Rdm-k).
    centred: the gradient as if units were measured from their means on data, which does not change when units and
    data are flipped; the scalar then is that gradient times the parameters.
    """
    with torch.no_grad():
        dW = torch.mm(data.v.T, data.h)
        dW = torch.addmm(dW, model.v.T, model.h, beta=-1 / len(data.v), alpha=1 / len(model.v), out=dW)
        means = [part.mean(0) for part in data]
        dvbias, dhbias = (part.mean(0) - mean for part, mean in zip(model, means, strict=True))
        if centred:
            mu, la = means
            dW = dW - torch.outer(dvbias, la) - torch.outer(mu, dhbias)
            dvbias, dhbias = dvbias - dW @ la, dhbias - mu @ dW
    return _WithGradient.apply(rbm.W, rbm.vbias, rbm.hbias, dW, dvbias, dhbias)


class _WithGradient(torch.autograd.Function):
    """The scalar product of parameters with statistics that are its gradient: they become `.grad` where they lie, since
    a copy of them costs a tenth of an update. It can be differentiated once."""

    @staticmethod
    def forward(ctx, *tensors: Tensor) -> Tensor:
        parameters, ctx.gradients = tensors[:3], tensors[3:]
        return sum(torch.dot(p.flatten(), g.flatten()) for p, g in zip(parameters, ctx.gradients, strict=True))

    @staticmethod
    def backward(ctx, scale: Tensor) -> tuple[Tensor | None, ...]:
        gradients = [g.mul_(scale) for g in ctx.gradients]
        ctx.gradients = ()
        return *gradients, None, None, None
