"""One update of a stage, watched: what it evaluates, on which inputs, and what receives gradient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.score.reach.calls import Call, Calls, record
from benchmarks.score.reach.graph import Graph
from paradigms.base import Batch, Paradigm, Stage

SEED = 2012
CHANGE = 0.1  # of an output, relative to its own size
NOTICED = 1e-4  # relative change of a gradient that is more than rounding
SAME_TIME = 1e-5


@dataclass
class Seen:
    """An update of `stage`: its calls; per call, the rows whose input is the same for another batch (None where that
    cannot be said); and the names of the parameters that receive gradient."""

    stage: Stage
    calls: Calls
    unmoved: list[Tensor | None]
    touched: set[str]

    @property
    def rows(self) -> dict[str, int]:
        """Rows of the largest call of each module."""
        return {name: max(c.rows for c in self.calls if c.name == name) for name in {c.name for c in self.calls}}


def watch(paradigm: Paradigm, stage: Stage, pair: tuple[Batch, Batch], modules: Mapping[str, nn.Module]) -> Seen:
    """See one update twice, with the same seed on each batch of `pair`; weights and buffers stay as they are."""
    calls, touched = _update(paradigm, stage, pair[0], modules)
    others, _ = _update(paradigm, stage, pair[1], modules)
    alike = len(calls) == len(others)
    return Seen(stage, calls, [_unmoved(a, b) if alike else None for a, b in zip(calls, others, strict=alike)], touched)


def ends_in(paradigm: Paradigm, seen: Seen, batch: Batch, modules: Mapping[str, nn.Module], last: set[int]) -> set[int]:
    """Indices of the calls whose gradient changes when the outputs of the calls `last` are changed.

    They are those that a loss on the end of the chain trains. The gradient of a loss that is linear in the end of the
    chain would not show it.
    """
    generator = torch.Generator().manual_seed(SEED)

    def alter(index: int, output: Tensor) -> Tensor:
        if index not in last:
            return output
        noise = torch.randn(output.shape, generator=generator).to(output)
        return output + CHANGE * (output.detach().abs().mean() + 1e-3) * noise

    altered, _ = _update(paradigm, seen.stage, batch, modules, alter)
    if len(altered) != len(seen.calls):
        return set()
    pairs = enumerate(zip(seen.calls, altered, strict=True))
    return {index for index, (a, b) in pairs if a.differentiated and _differs(a.gradient, b.gradient)}


def place(seen: Seen, graph: Graph) -> tuple[list[tuple[int, Tensor] | None], set[int]]:
    """For every call its place in the graph and the rows that are there on their own inference input, or None; and the
    calls at the last place of the graph, where the update's chain ends there too.

    A link that draws is on its own input if that is the same for any batch, a layer that classifies if it is not. Of
    such calls, one belongs to the place after the call before it if module and times agree, else to the first place
    (a new chain), else to none; then the chain is another one, and the next call can only begin a chain.
    """
    found: list[tuple[int, Tensor] | None] = []
    size, follows, before, last = len(graph.evaluations), 0, -1, set()
    for index, (call, unmoved) in enumerate(zip(seen.calls, seen.unmoved, strict=True)):
        own = None if unmoved is None else unmoved != graph.fed_by_data
        if call.name not in graph.modules or own is None or not own.any():
            found.append(None)
            continue
        fits = _fits(call, graph, follows, own) or _fits(call, graph, 0, own)
        found.append(fits)
        follows = fits[0] + 1 if fits else size
        if fits is None:
            last.discard(before)
        elif fits[0] == size - 1:
            last.add(index)
        before = index
    return found, last


def _fits(call: Call, graph: Graph, index: int, own: Tensor) -> tuple[int, Tensor] | None:
    if index >= len(graph.evaluations):
        return None
    evaluation = graph.evaluations[index]
    if call.name != evaluation.name or call.times.shape[1] != len(evaluation.times):
        return None
    times = torch.tensor(evaluation.times, dtype=call.times.dtype)
    rows = own & ((call.times - times).abs() < SAME_TIME).all(1)
    return (index, rows) if rows.any() else None


def _update(paradigm, stage, batch, modules, alter=lambda index, output: output) -> tuple[Calls, set[str]]:
    kept = {name: value.clone() for name, value in paradigm.state_dict().items()}
    paradigm.enter(stage, 1)
    torch.manual_seed(SEED)
    with torch.enable_grad(), record(modules, alter) as calls:
        loss = stage.loss(batch)
        if loss.requires_grad:
            loss.backward()
    touched = {name for name, p in paradigm.named_parameters() if p.grad is not None and bool(p.grad.any())}
    paradigm.zero_grad(set_to_none=True)
    paradigm.leave()
    paradigm.load_state_dict(kept)
    return calls, touched


def _unmoved(a: Call, b: Call) -> Tensor | None:
    if a.x is None or b.x is None or a.x.shape != b.x.shape:
        return None
    return ((a.x - b.x).abs() <= SAME_TIME * a.x.abs()).flatten(1).all(1).cpu()


def _differs(a: Tensor, b: Tensor | None) -> bool:
    return b is None or a.shape != b.shape or float((a - b).norm()) > NOTICED * float(a.norm())
