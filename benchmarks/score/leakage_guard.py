"""Refuses a paradigm whose loss may use a scoring network: it would optimise the metric and not the images.

Networks are compared weight by weight, so a renamed copy, a part of a scoring network or a wrapped one is found too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from benchmarks.errors import BadInput


def refuse_shared(paradigm: nn.Module, extractors: Iterable[nn.Module]) -> None:
    """Raise BadInput if a module of `paradigm` has a weight matrix or kernel of one of the `extractors`.

    Modules are searched in registered submodules and in plain attributes, also within lists, tuples and dicts. A
    network that only a closure refers to is not found.
    """
    owned = {}
    for path, module in _modules(paradigm):
        for name, weight in _weights(module):
            owned.setdefault(_hash(weight), f"{path}.{name}".lstrip("."))
    for extractor in extractors:
        for _, weight in _weights(extractor):
            if (where := owned.get(_hash(weight))) is not None:
                raise BadInput(
                    f"{type(paradigm).__name__}.{where} is a weight of the scoring network {extractor.name}-"
                    f"{extractor.hash[:8]}; a loss must use another network than the one that scores"
                )


def _modules(root: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """(path, module) of every module that can be reached through the attributes of `root`, each once."""
    seen: set[int] = set()
    ahead: list[tuple[str, object]] = [("", root)]
    while ahead:
        path, thing = ahead.pop()
        if id(thing) in seen:
            continue
        if isinstance(thing, nn.Module):
            yield path, thing
            parts = vars(thing).items()
        elif isinstance(thing, dict):
            parts = thing.items()
        elif isinstance(thing, list | tuple | set):
            parts = enumerate(thing)
        else:
            continue
        seen.add(id(thing))
        hidden = ("_modules", "_parameters", "_buffers")
        ahead += [(path if name in hidden else f"{path}.{name}".lstrip("."), part) for name, part in parts]


def _weights(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """(name, tensor) of the matrices and kernels of a module. Vectors and constant tensors are left out: unrelated
    networks share them, such as biases of zero."""
    for name, weight in module.state_dict().items():
        if weight.dim() >= 2 and weight.numel() > 1 and bool((weight != weight.flatten()[0]).any()):
            yield name, weight


def _hash(weight: Tensor) -> str:
    content = weight.detach().to("cpu", torch.float32).contiguous()
    return hashlib.sha256(repr(tuple(weight.shape)).encode() + content.numpy().tobytes()).hexdigest()
