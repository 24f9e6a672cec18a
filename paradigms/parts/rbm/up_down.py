"""Up-down fine-tuning of a greedily trained deep belief network: contrastive wake-sleep, as a loss.

Source: Hinton, Osindero & Teh, "A fast learning algorithm for deep belief nets", Neural Computation 18, 2006, section 5
and appendix B. From here on, recognition and generative weights are separate parameters. Wake phase: recognition
weights sample states upwards, and generative weights are trained to predict each layer from the one above. The top RBM
runs a few Gibbs sweeps from there. Sleep phase: generative weights sample states downwards from the top RBM, and
recognition weights are trained to predict each layer from the one below.

symbol    meaning                                              shape
wake      states of every layer, sampled upwards from data     (B, width) each, the pixels first
sleep     states of every layer, sampled downwards             (B, width) each, the pixels first
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from paradigms.parts.rbm.binary_units import bernoulli, cross_entropy
from paradigms.parts.rbm.contrastive import contrastive_loss, gibbs, on_data
from paradigms.parts.rbm.rbm import RBM, GenerativeLayer


def untied(rbms: Sequence[RBM]) -> nn.ModuleList:
    """Separate generative weights, one layer per RBM; `untie` sets their values."""
    return nn.ModuleList(GenerativeLayer(*rbm.W.shape) for rbm in rbms)


@torch.no_grad()
def untie(rbms: Sequence[RBM], down: Sequence[GenerativeLayer]) -> None:
    """Copy the weights and visible biases of the RBMs into the generative layers `down`, the lowest first."""
    for rbm, layer in zip(rbms, down, strict=True):
        layer.W.copy_(rbm.W)
        layer.vbias.copy_(rbm.vbias)


def up_down_loss(
    rbms: Sequence[RBM], down: Sequence[GenerativeLayer], top: RBM, v: Tensor, label: Tensor, n_sweeps: int
) -> Tensor:
    """A scalar whose gradient is the update of appendix B for all weights.

    Each prediction contributes its cross-entropy: the gradient is (state - probability) times the predicting state. No
    gradient passes through a sampled state, and the visible biases of the RBMs are not trained.

    rbms: recognition weights below the top RBM, the lowest first.
    down: generative weights of the same layers.
    top: the RBM over the last layer and its label units, if it has any.
    v: binary states of the pixels, (B, V).
    label: one-hot labels, (B, n_labels); (B, 0) without label units.
    n_sweeps: Gibbs sweeps of the top RBM between wake and sleep phase.
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
