"""Mismatch layer by layer: the codes a layer was trained on against those that the generating chain feeds it.

For chains whose layers were trained one at a time (a stage that moves one of the generating layers alone, or the layer
that it was copied from). What enters every product with a layer's weights is seen while the stage's loss runs and while
samples are drawn, and its unit means are compared: a drawn binary code and its probabilities have the same.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from benchmarks.score.reach.copied_parameters import lineage
from benchmarks.score.reach.graph import PRODUCTS, weighted
from paradigms.base import Batch, Paradigm, Stage

SEED = 2012

Codes = dict[tuple[str, int], list[Tensor]]


def layer_entries(paradigm: Paradigm, batch: Batch, nfe: int, sampler: str) -> list[dict]:
    """One entry a generating layer and width of what enters it; none for chains that were not trained by layers.

    shift: root mean square over units of the difference of their means, fed minus trained; floor: what it would be
    for codes of one law, from the units' sd and the numbers of rows.
    """
    names = {id(p): _owner(name) for name, p in paradigm.named_parameters() if p.dim() > 1}
    if not any(len({names[id(p)] for p in stage.parameters if id(p) in names}) == 1 for stage in paradigm.stages()):
        return []
    twin = copy.deepcopy(paradigm)
    layers = weighted(twin)
    with torch.random.fork_rng(devices=[twin.device] if twin.device.type == "cuda" else []):
        torch.manual_seed(SEED)
        generator = torch.Generator(twin.device).manual_seed(SEED)
        with torch.no_grad(), _Inputs(layers) as drawing:
            twin.sample(len(batch.x), nfe, generator, sampler)
        fed = drawing.codes
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


def _trained_alone(paradigm: Paradigm, drawing: set[str]) -> Iterator[tuple[str, str, Stage]]:
    """(generating layer, layer that was trained, stage) where the stage moves one of the layers `drawing` alone."""
    copied = lineage(copy.deepcopy(paradigm))
    names = {id(p): name for name, p in paradigm.named_parameters()}
    for stage in paradigm.stages():
        moved = {names[id(p)] for p in stage.parameters if id(p) in names and p.dim() > 1}
        trained = {
            (layer, _owner(source))
            for layer in drawing
            for weight in names.values()
            if _owner(weight) == layer
            for source in {weight, *copied.get(weight, set())} & moved
        }
        if len({layer for layer, _ in trained}) == 1:
            yield (*trained.pop(), stage)


def _owner(weight: str) -> str:
    return weight.rpartition(".")[0] or "self"


class _Inputs(TorchFunctionMode):
    """Keeps the other factor, (rows, units), of every product with weights of `layers`, by layer and width."""

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
