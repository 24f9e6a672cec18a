"""Observes one training update: which modules it evaluates, on which inputs, and which outputs receive gradient."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from benchmarks.score.reach.calls import Call, Calls, record
from benchmarks.score.reach.graph import Graph
from paradigms.base import Batch, Paradigm, Stage

SEED = 2012
CHANGE = 0.1  # perturbation of an output, relative to its mean absolute value
ROUNDING = 1e-4  # relative change of a gradient up to which it counts as unchanged
SAME_TIME = 1e-5
# Squared change of a state, apart from what all states of the batch have in common, relative to the variance of the
# states, up to which it may follow statistics of the observed images: a mean shifts all states alike.
STATISTICS = 1e-3


@dataclass
class ObservedUpdate:
    """One update of a stage.

    calls: the recorded calls, in order.
    same_input: per call, the rows (rows,) whose input is the same for another batch, None where that is unknown.
    follows_data: per call, the rows (rows,) whose input changes with the images that the paradigm has observed.
    with_gradient: names of the parameters that receive a non-zero gradient.
    """

    stage: Stage
    calls: Calls
    same_input: list[Tensor | None]
    follows_data: list[Tensor]
    with_gradient: set[str]

    @property
    def rows(self) -> dict[str, int]:
        """Rows of the largest call of each module."""
        return {name: max(c.rows for c in self.calls if c.name == name) for name in {c.name for c in self.calls}}

    def own(self, index: int, fed_by_data: bool) -> Tensor | None:
        """Rows (rows,) of a call that are on their own inference input, None where that is unknown.

        fed_by_data: whether inference starts at an image (recognition) and not at noise.
        """
        same = self.same_input[index]
        if same is None or fed_by_data:
            return None if same is None else ~same
        return same & ~self.follows_data[index]


def observe_update(
    paradigm: Paradigm,
    number: int,
    pair: tuple[Batch, Batch],
    modules: Mapping[str, nn.Module],
    other_data: Sequence[Batch],
) -> ObservedUpdate:
    """Run the loss of a stage and its backward pass, always with the same seed: on each batch of `pair`, and on the
    first one by copies of the paradigm that observe other training data.

    number: of the stage. modules: those whose calls are recorded, by name. other_data: what the copies observe, one
    each. Weights and buffers are restored.
    """
    stage = paradigm.stages()[number]
    calls, with_gradient = _update(paradigm, stage, pair[0], modules)
    others, _ = _update(paradigm, stage, pair[1], modules)
    alike = len(calls) == len(others)
    same = [_same_input(a, b) if alike else None for a, b in zip(calls, others, strict=alike)]
    follows = [torch.zeros(call.rows, dtype=torch.bool) for call in calls]
    for data in other_data:
        twin, its_modules = copy.deepcopy((paradigm, dict(modules)))
        with torch.no_grad():
            twin.observe(*data)
        others, _ = _update(twin, twin.stages()[number], pair[0], its_modules)
        alike = len(calls) == len(others)
        follows = [rows | (_changes(calls[i], others[i]) if alike else True) for i, rows in enumerate(follows)]
    return ObservedUpdate(stage, calls, same, follows, with_gradient)


def trained_by_end(
    paradigm: Paradigm, observed: ObservedUpdate, batch: Batch, modules: Mapping[str, nn.Module], last: set[int]
) -> set[int]:
    """Indices of the calls whose gradient changes when the outputs of the calls `last` are perturbed.

    These calls are trained by a loss on the end of the chain. A loss that is linear in the end of the chain has a
    constant gradient there and is not detected.
    """
    generator = torch.Generator().manual_seed(SEED)

    def alter(index: int, output: Tensor) -> Tensor:
        if index not in last:
            return output
        noise = torch.randn(output.shape, generator=generator).to(output)
        return output + CHANGE * (output.detach().abs().mean() + 1e-3) * noise

    altered, _ = _update(paradigm, observed.stage, batch, modules, alter)
    if len(altered) != len(observed.calls):
        return set()
    pairs = enumerate(zip(observed.calls, altered, strict=True))
    return {index for index, (a, b) in pairs if a.differentiated and _differs(a.gradient, b.gradient)}


def match_to_graph(observed: ObservedUpdate, graph: Graph) -> tuple[list[tuple[int, Tensor] | None], set[int]]:
    """Matches the calls of an update with the evaluations of an inference graph.

    Returns two things. Per call: (index of its evaluation, rows that are on their own inference input), or None. And
    the indices of the calls at the last evaluation, if the chain of the update ends there too.

    The input of a generation link is its own inference input if it is the same for any batch and any observed images;
    the input of a layer of a recogniser, if it is not the same for any batch. Such a call matches the evaluation after
    the one of the previous call if module and times agree; else the first evaluation, which starts a new chain; else
    none. After a call without a match, the next one can only start a chain.
    """
    found: list[tuple[int, Tensor] | None] = []
    size, follows, before, last = len(graph.evaluations), 0, -1, set()
    for index, call in enumerate(observed.calls):
        own = observed.own(index, graph.fed_by_data)
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
    with_gradient = {name for name, p in paradigm.named_parameters() if p.grad is not None and bool(p.grad.any())}
    paradigm.zero_grad(set_to_none=True)
    paradigm.leave()
    paradigm.load_state_dict(kept)
    return calls, with_gradient


def _same_input(a: Call, b: Call) -> Tensor | None:
    if a.x is None or b.x is None or a.x.shape != b.x.shape:
        return None
    return ((a.x - b.x).abs() <= SAME_TIME * a.x.abs()).flatten(1).all(1).cpu()


def _changes(a: Call, b: Call) -> Tensor:
    """Rows (rows,) whose input changes by more than statistics of the images do."""
    if a.x is None or b.x is None or a.x.shape != b.x.shape:
        return torch.ones(a.rows, dtype=torch.bool)
    x, y = (part.flatten(1).double() for part in (a.x, b.x))
    change = (x - y) - (x - y).median(0).values
    return (change.square().sum(1) > STATISTICS * x.var(0, correction=0).sum()).cpu()


def _differs(a: Tensor, b: Tensor | None) -> bool:
    return b is None or a.shape != b.shape or float((a - b).norm()) > ROUNDING * float(a.norm())
