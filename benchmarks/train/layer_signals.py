"""Signals of each layer: the norm of the loss's gradient with respect to its weights, and its saturated units.

Source: Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010,
whose figures follow both along training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from paradigms.base import Batch, Paradigm, Stage

SEED = 2012
# A unit is saturated where its derivative is small: in the outer twentieths of a sigmoid's range, for a tanh at the
# same inputs, and for a rectifier where its output is 0.
SATURATED = {
    nn.Sigmoid: lambda a: (a - 0.5).abs() > 0.45,
    nn.Tanh: lambda a: a.abs() > 0.9,
    nn.ReLU: lambda a: a <= 0,
}


def signals(paradigm: Paradigm, stage: Stage, batch: Batch) -> list[dict]:
    """One entry per layer of `stage`, the lowest first: {"layer", "gradient_norm", "saturated"}.

    gradient_norm: Euclidean norm of the gradient of the stage's loss on `batch` with respect to the layer's weights.
    saturated: share of its activations, in [0, 1], that are saturated; None where no activation module follows.

    paradigm: has entered `stage`. Weights, gradients, buffers and torch's random stream are unchanged afterwards.
    stage: whose parameters with more than one dimension are the layers' weights.
    batch: images (B, C, H, W) and labels (B,) to measure on.
    """
    names = {id(p): name for name, p in paradigm.named_parameters()}
    weights = [p for p in stage.parameters if p.dim() > 1]
    with _untouched(paradigm), _saturation(paradigm) as shares:
        paradigm.train()
        torch.manual_seed(SEED)
        gradients = torch.autograd.grad(stage.loss(batch), weights, allow_unused=True)
    norms = [float(g.norm()) if g is not None else 0.0 for g in gradients]
    shares += [None] * (len(weights) - len(shares))
    return [
        {"layer": names[id(p)], "gradient_norm": norm, "saturated": share}
        for p, norm, share in zip(weights, norms, shares, strict=False)
    ]


@contextmanager
def _untouched(paradigm: Paradigm) -> Iterator[None]:
    buffers = {name: buffer.clone() for name, buffer in paradigm.named_buffers()}
    training = paradigm.training
    with (
        torch.random.fork_rng(devices=[paradigm.device] if paradigm.device.type == "cuda" else []),
        torch.enable_grad(),
    ):
        try:
            yield
        finally:
            paradigm.train(training)
            with torch.no_grad():
                for name, buffer in paradigm.named_buffers():
                    buffer.copy_(buffers[name])


@contextmanager
def _saturation(paradigm: Paradigm) -> Iterator[list]:
    """Collects the share of saturated values of every activation module that runs, in that order."""
    shares: list[float | None] = []

    def watch(saturated: Callable[[Tensor], Tensor]) -> Callable:
        return lambda module, given, out: shares.append(float(saturated(out.detach()).double().mean()))

    found = [(module, SATURATED[type(module)]) for module in paradigm.modules() if type(module) in SATURATED]
    handles = [module.register_forward_hook(watch(saturated)) for module, saturated in found]
    try:
        yield shares
    finally:
        for handle in handles:
            handle.remove()
