"""Warm start: a cell that starts from the trained weights of another, its ancestor, whose cost counts as its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.clone import twin
from benchmarks.errors import BadInput
from benchmarks.store.trained import NoWeights, Trained
from benchmarks.weights import load
from paradigms.base import Paradigm


def start_from(paradigm: Paradigm, results_dir: Path, ancestor: str) -> dict:
    """Copy the ancestor's trained weights into the link of `paradigm`; returns what training them cost: {"cell",
    "flops", "images", "updates", "seconds"}, the cost of the ancestor's own ancestor included.

    paradigm: untrained, on its device; changed in place.
    results_dir: the folder that holds `trained/`.
    ancestor: `Cell.trained_stem` of the cell to start from.

    Raises BadInput where that cell has left no weights, or where they do not fit the link.
    """
    trained = Trained(results_dir, ancestor)
    try:
        training, path = trained.report()["training"], trained.file()
    except NoWeights as error:
        raise BadInput(f"init_from: {ancestor} has left no weights ({error}); run it first") from None
    adopt(paradigm, load(path, paradigm.device), ancestor)
    return {"cell": ancestor} | {key: training[key] for key in ("flops", "images", "updates", "seconds")}


def left(budget_flops: float, before: dict | None) -> float:
    """FLOPs that remain of a budget after the ancestor's; the whole budget without an ancestor.

    budget_flops: training FLOPs of the cell, those of its ancestor included.
    before: from `start_from`, or None.

    Raises BadInput where nothing remains.
    """
    rest = budget_flops - (before["flops"] if before else 0)
    if rest <= 0:
        raise BadInput(
            f"init_from: {before['cell']} has cost {before['flops']:.3g} FLOPs of a budget of {budget_flops:.3g} that "
            "includes them; give the variant a larger budget"
        )
    return rest


@torch.no_grad()
def adopt(paradigm: Paradigm, weights: dict[str, Tensor], origin: str) -> None:
    """Copy the part of `weights` that belongs to the link into the link of `paradigm`.

    paradigm: changed in place.
    weights: state dict of the ancestor's paradigm.
    origin: name of the ancestor, for error messages.

    Raises BadInput where names or shapes differ, or where the first stages would overwrite the weights, as greedy
    pre-training does.
    """
    prefix = _prefix(paradigm, origin)
    link = paradigm.link()
    own = {name: value.shape for name, value in link.state_dict().items()}
    given = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    if own != {name: value.shape for name, value in given.items()}:
        raise BadInput(
            f"init_from: {type(paradigm).__name__} cannot start from {origin}: {_difference(own, given)}; both must "
            "have the same network behind their chains"
        )
    link.load_state_dict(given)
    if name := _overwritten(paradigm):
        raise BadInput(
            f"init_from: {type(paradigm).__name__} cannot start from {origin}: its training overwrites {name} "
            "before it trains it, so nothing would be left of the start"
        )


def _prefix(paradigm: Paradigm, origin: str) -> str:
    try:
        link = paradigm.link()
    except NotImplementedError:
        raise BadInput(f"init_from: {type(paradigm).__name__} has no chain to start from {origin}") from None
    name = next(name for name, module in paradigm.named_modules() if module is link)
    return f"{name}." if name else ""


def _difference(own: dict[str, Sequence[int]], given: dict[str, Tensor]) -> str:
    for name, shape in own.items():
        if name not in given:
            return f"there is no {name} in it"
        if given[name].shape != shape:
            return f"{name} is {list(given[name].shape)} there and {list(shape)} here"
    return f"nothing here takes its {next(name for name in given if name not in own)}"


def _overwritten(paradigm: Paradigm) -> str | None:
    """Name of the first parameter of the link that the start of a stage changes; None where training continues from
    all of them."""
    tried = twin(paradigm)
    with torch.random.fork_rng(devices=[tried.device] if tried.device.type == "cuda" else []):
        for stage in tried.stages():
            tried.enter(stage, 1)
            stage.begin()
            tried.leave()
    ours = paradigm.link().state_dict()
    return next((name for name, p in tried.link().named_parameters() if not torch.equal(p, ours[name])), None)
