"""Mismatch per layer: the inputs that a layer was trained on against the inputs it receives while sampling.

It applies to chains whose layers were trained one at a time: a stage trains one generating layer alone, or the layer
that this one was copied from. The inputs of every matrix product with the layer's weights are recorded while the
stage's loss is computed and while samples are drawn. Their means per unit are compared, because a binary code and its
probabilities have equal means.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from benchmarks.score.reach.copied_parameters import copied_parameters
from benchmarks.score.reach.graph import PRODUCTS, weighted
from paradigms.base import Batch, Paradigm, Stage

SEED = 2012

Codes = dict[tuple[str, int], list[Tensor]]


def layer_entries(paradigm: Paradigm, batch: Batch, nfe: int, sampler: str) -> list[dict]:
    """One entry per generating layer and input width; an empty list for chains that were not trained layer by layer.

    paradigm: trained. batch: training images and labels. nfe, sampler: the chain that is sampled.

    Fields: layer, stage, width.
    trained_mean, fed_mean: mean over rows and units of the input, in training and while sampling.
    shift: root mean square over units of the difference of the two means.
    floor: expected shift for two samples of one distribution, from the units' variances and the numbers of rows.
    """
    names = {id(p): _owner(name) for name, p in paradigm.named_parameters() if p.dim() > 1}
    if not any(len({names[id(p)] for p in stage.parameters if id(p) in names}) == 1 for stage in paradigm.stages()):
        return []
    twin = copy.deepcopy(paradigm)
    layers = weighted(twin)
    with torch.random.fork_rng(devices=[twin.device] if twin.device.type == "cuda" else []):
        torch.manual_seed(SEED)
        generator = torch.Generator(twin.device).manual_seed(SEED)
        with torch.no_grad(), _Inputs(layers) as sampling:
            twin.sample(len(batch.x), nfe, generator, sampler)
        fed = sampling.codes
        pairs = list(_trained_alone(twin, {name for name, _ in fed}))
        found = []
        for layer, source, stage in pairs:
            twin.enter(stage, 1)
            with torch.enable_grad(), _Inputs(layers) as training:
                stage.loss(batch)
            twin.leave()
            for (name, width), codes in fed.items():
                trained = training.codes.get((source, width))
                if name == layer and trained:
                    found.append(_compared(layer, stage.name, torch.cat(trained), torch.cat(codes)))
    return found


def _trained_alone(paradigm: Paradigm, sampling: set[str]) -> Iterator[tuple[str, str, Stage]]:
    """(generating layer, layer that was trained, stage) for stages that train one of the layers in `sampling` alone."""
    copied = copied_parameters(copy.deepcopy(paradigm))
    names = {id(p): name for name, p in paradigm.named_parameters()}
    for stage in paradigm.stages():
        updated = {names[id(p)] for p in stage.parameters if id(p) in names and p.dim() > 1}
        trained = {
            (layer, _owner(source))
            for layer in sampling
            for weight in names.values()
            if _owner(weight) == layer
            for source in {weight, *copied.get(weight, set())} & updated
        }
        if len({layer for layer, _ in trained}) == 1:
            yield (*trained.pop(), stage)


def _owner(weight: str) -> str:
    return weight.rpartition(".")[0] or "self"


class _Inputs(TorchFunctionMode):
    """Records the input (rows, units) of every product with a weight matrix of `layers`, by layer and width."""

    def __init__(self, layers: dict[str, nn.Module]):
        super().__init__()
        self.codes: Codes = {}
        self.owners = {
            p.untyped_storage().data_ptr(): name
            for name, layer in layers.items()
            for p in layer.parameters(recurse=False)
            if p.dim() == 2
        }

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if getattr(func, "__name__", "") in PRODUCTS:
            factors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
            owners = [self.owners.get(factor.untyped_storage().data_ptr()) for factor in factors]
            owner = next(filter(None, owners[1:]), None)
            # A bias may come before the code, as in addmm.
            codes = (f for f, of in zip(factors, owners, strict=True) if of is None and f.dim() == 2)
            if owner is not None and (code := next(codes, None)) is not None:
                self.codes.setdefault((owner, code.shape[1]), []).append(code.detach().double())
        return func(*args, **(kwargs or {}))


def _compared(layer: str, stage: str, trained: Tensor, fed: Tensor) -> dict:
    noise = trained.var(0) / len(trained) + fed.var(0) / len(fed)
    return {
        "layer": layer,
        "stage": stage,
        "width": trained.shape[1],
        "trained_mean": float(trained.mean()),
        "fed_mean": float(fed.mean()),
        "shift": math.sqrt(float((fed.mean(0) - trained.mean(0)).square().mean())),
        "floor": math.sqrt(float(noise.mean())),
    }
