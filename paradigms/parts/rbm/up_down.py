"""Up-down fine-tuning of a belief network whose layers were learnt greedily: contrastive wake-sleep, as a loss.

Source: Hinton, Osindero & Teh, "A fast learning algorithm for deep belief nets", Neural Computation 18, 2006, section 5
and appendix B. Recognition weights draw states upwards; generative weights, their own from here on, learn to predict
each layer from the one above (wake). The top RBM takes a few sweeps from there; from its states the generative weights
draw downwards, and the recognition weights learn to predict each layer from the one below (sleep).

symbol    meaning                                            shape
wake      states of every layer, drawn upwards from data     (B, width) each, the pixels first
sleep     states of every layer, drawn downwards             the same
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from paradigms.parts.rbm.binary_units import bernoulli, cross_entropy
from paradigms.parts.rbm.contrastive import contrastive_loss, gibbs, on_data
from paradigms.parts.rbm.rbm import RBM, Downwards


def untied(rbms: Sequence[RBM]) -> nn.ModuleList:
    """Generative weights of their own, one a machine, to be set by `untie`."""
    return nn.ModuleList(Downwards(*rbm.W.shape) for rbm in rbms)


@torch.no_grad()
def untie(rbms: Sequence[RBM], down: Sequence[Downwards]) -> None:
    """Start the generative weights `down`, the lowest layer first, at those of the RBMs."""
    for rbm, layer in zip(rbms, down, strict=True):
        layer.W.copy_(rbm.W)
        layer.vbias.copy_(rbm.vbias)


def up_down_loss(
    rbms: Sequence[RBM], down: Sequence[Downwards], top: RBM, v: Tensor, label: Tensor, n_sweeps: int
) -> Tensor:
    """A scalar whose gradient is the paper's update of all weights, for binary pixels v (B, V) and label (B, n_labels).

    Prediction is by cross-entropy, whose gradient is the difference of state and probability times the state that
    predicts; no gradient passes through a drawn state. The RBMs' visible biases take no part.
    """
    wake = [v]
    with torch.no_grad():
        for rbm in rbms:
            wake.append(bernoulli(rbm.h_given_v(wake[-1])))
        data = on_data(top, torch.cat([wake[-1], label], 1))
        model = gibbs(top, data.h, n_sweeps)
        sleep = [model.v[:, : len(top.vbias) - top.n_labels]]
        for layer in reversed(down):
            sleep.insert(0, layer.sample_v(layer.v_given_h(sleep[0])))
    loss = contrastive_loss(top, data, model)
    for depth, (rbm, layer) in enumerate(zip(rbms, down, strict=True)):
        loss = loss + cross_entropy(layer.v_field(wake[depth + 1]), wake[depth])
        loss = loss + cross_entropy(sleep[depth] @ rbm.W + rbm.hbias, sleep[depth + 1])
    return loss
