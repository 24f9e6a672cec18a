"""A cell that goes on from another's weights: which cell that is, what may be taken over, and what it has cost."""

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
    """Give `paradigm` the weights of the chain that the cell `ancestor` (its `trained_stem`) has trained; returns what
    that cost: {"cell", "flops", "images", "updates", "seconds"}, its own ancestor's cost included.

    Raises BadInput where that cell has left no weights, or the weights are not those of this paradigm's chain.
    """
    trained = Trained(results_dir, ancestor)
    try:
        training, path = trained.report()["training"], trained.file()
    except NoWeights as error:
        raise BadInput(f"init_from: {ancestor} has left no weights ({error}); run it first") from None
    adopt(paradigm, load(path, paradigm.device), ancestor)
    return {"cell": ancestor} | {key: training[key] for key in ("flops", "images", "updates", "seconds")}


def left(budget_flops: float, before: dict | None) -> float:
    """What an ancestor's cost leaves of a budget, all of it where there is none. Raises BadInput if that is nothing."""
    rest = budget_flops - (before["flops"] if before else 0)
    if rest <= 0:
        raise BadInput(
            f"init_from: {before['cell']} has cost {before['flops']:.3g} FLOPs of a budget of {budget_flops:.3g} that "
            "includes them; give the variant a larger budget"
        )
    return rest


@torch.no_grad()
def adopt(paradigm: Paradigm, weights: dict[str, Tensor], origin: str) -> None:
    """Copy what `weights` (a state dict) hold of the chain's link into that of `paradigm`.

    Raises BadInput where they differ in names or shapes, or where the first stages would overwrite them anyway, as
    greedy pre-training does.
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
            f"init_from: {type(paradigm).__name__} cannot start from {origin}: its training sets {name} anew before "
            "it moves it, so nothing would be left of the start"
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
    """The first weight of the link that a stage's begin changes; None where training goes on from what is there."""
    tried = twin(paradigm)
    with torch.random.fork_rng(devices=[tried.device] if tried.device.type == "cuda" else []):
        for stage in tried.stages():
            tried.enter(stage, 1)
            stage.begin()
            tried.leave()
    ours = paradigm.link().state_dict()
    return next((name for name, p in tried.link().named_parameters() if not torch.equal(p, ours[name])), None)
