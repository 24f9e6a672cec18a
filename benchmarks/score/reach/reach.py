"""Gradient reach: the share of the inference graph that one training update evaluates and differentiates.

Reach is measured; a paradigm declares nothing. The loss of one update is computed and backpropagated on a copy, while
every evaluation is recorded with its module, position, times and input, and with the gradient at its output.
Definitions, over the inference graph I of one sample (`benchmarks.score.reach.graph`), for one update and one row of
its batch:

coverage          evaluations that receive gradient / |I|, at most 1
on_policy_reach   evaluations of I that the update makes on their own inference input and that receive gradient from a
                  loss on the end of the chain / |I|
credit_length     evaluations on the longest path of the autograd graph that receives gradient
flops_weighted_reach   on_policy_reach with evaluations weighted by their FLOPs
effective_reach   exp(entropy of the shares of |dL/d output| over the evaluations) / |I|

Two of these conditions are tested by behaviour:

- "Own inference input": the update is repeated with the same seed on another batch, and by copies of the paradigm that
  have observed other training images. The input of a generation link must not change, since it comes from noise and
  from the chain's own states; the input of a recogniser must change with the batch. Module, position and times of the
  evaluation must be those of I.
- "A loss on the end of the chain": the gradient at the evaluation changes when the output of the last evaluation of I
  is perturbed. Of several local losses on the chain's own states, only the last one passes.

A stage may train a layer without calling it, as contrastive divergence does, or train a layer that a later stage
copies. Such a layer is covered once per update. It is found by the gradient of its weights, and by the values that the
later stage copies (`reach.copied_parameters`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.clone import twin
from benchmarks.score.other_data import halves
from benchmarks.score.reach.calls import Call, longest_chain
from benchmarks.score.reach.copied_parameters import copied_parameters
from benchmarks.score.reach.graph import Graph, generation_graph, recognition_graph
from benchmarks.score.reach.updates import ObservedUpdate, match_to_graph, observe_update, trained_by_end
from paradigms.base import Batch, Paradigm

N_ROWS = 64
MAX_NFE = 8
SCALARS = ("coverage", "on_policy_reach", "credit_length", "flops_weighted_reach", "effective_reach")


def measure_reach(
    paradigm: Paradigm, x: Tensor, label: Tensor, nfe: int | Sequence[int], sampler: str | None = None
) -> dict:
    """Gradient reach of a paradigm, whose weights, buffers and global random state are left unchanged.

    x, label: training images (N, C, H, W) in [-1, 1] and classes (N,), of which two batches are used.
    nfe: numbers of evaluations to report. Those above 8 are left out if there are others; the natural one is added.
    sampler: name; None for the paradigm's first.

    Returns the five numbers of the module's docstring, `graphs` (one entry per inference graph), `natural_nfe`, and
    `reason` where nothing can be measured. The five numbers are those of the task's graph at its natural number of
    evaluations: means over the stages that train this graph, weighted by their shares of the training FLOPs.
    """
    trial = twin(paradigm)
    sampler = sampler or paradigm.samplers[0]
    pair = _pair(x, label)
    with torch.random.fork_rng(devices=[trial.device] if trial.device.type == "cuda" else []):
        graphs = _graphs(trial, x, [nfe] if isinstance(nfe, int) else nfe, sampler)
        modules = {name: module for graph in graphs for name, module in graph.modules.items()}
        other = halves(x, label)
        observed = [observe_update(trial, number, pair, modules, other) for number in range(len(trial.stages()))]
        drawn = [graph for graph in graphs if graph.kind == "generation"]
        natural = natural_nfe(observed, drawn[0]) if drawn else None
        if natural and natural not in [graph.nfe for graph in drawn] and trial.allows(natural, sampler):
            graphs.append(generation_graph(trial, natural, sampler))
        ends = [[_ends(trial, update, pair[0], graph, modules) for update in observed] for graph in graphs]
        copied = copied_parameters(twin(trial))
    stages = [
        [_stage_entry(update, graph, end, len(pair[0].x), copied) for update, end in zip(observed, own, strict=True)]
        for graph, own in zip(graphs, ends, strict=True)
    ]
    return _headline(paradigm.task, list(map(_graph_entry, graphs, stages)), natural)


def _pair(x: Tensor, label: Tensor) -> tuple[Batch, Batch]:
    """Two batches with different images and, since a chain may be conditioned on the class, with the same labels."""
    rows = min(N_ROWS, len(x) // 2)
    return Batch(x[:rows], label[:rows]), Batch(x[rows : 2 * rows], label[:rows])


def natural_nfe(observed: Sequence[ObservedUpdate], graph: Graph) -> int | None:
    """Number of evaluations that training is about, inferred from what its updates evaluate; None if undetermined.

    It is the length of the chain, where an update differentiates the link mostly on its own states. Else, where the
    link is conditioned on a start and an end time, net(x, t, r), it is the smallest number of steps of the longest
    trained span t - r. A velocity field, trained at r = t, has none.
    """
    link, start = graph.evaluations[0].name, (graph.evaluations[0].times or (0.0,))[0]
    lengths, spans = [], []
    for update in observed:
        calls = {index: call for index, call in enumerate(update.calls) if call.name == link}
        states = {index: update.own(index, fed_by_data=False) for index in calls}
        own = [calls[index] for index, rows in states.items() if rows is not None and bool(rows.all())]
        # A local loss at the noise end of the chain is on an own state too, beside others that are not.
        if sum(c.rows for c in own if c.differentiated) > sum(c.rows for c in calls.values() if c.differentiated) / 2:
            times = {tuple(call.times[0].tolist()) for call in own} - {()}
            lengths.append(len(times) or round(sum(call.rows for call in own) / update.rows[link]))
        for call in calls.values():
            if call.differentiated and call.times.shape[1] == 2 and start:
                spans.append(float((call.times[:, 0] - call.times[:, 1]).max() / start))
    if lengths:
        return max(lengths)
    return max(1, round(1 / max(spans))) if max(spans, default=0) > 1e-3 else None


def _graphs(paradigm: Paradigm, x: Tensor, nfes: Sequence[int], sampler: str) -> list[Graph]:
    found = []
    if paradigm.can("sample"):
        allowed = sorted(nfe for nfe in nfes if paradigm.allows(nfe, sampler))
        wanted = [nfe for nfe in allowed if nfe <= MAX_NFE] or allowed[:1]
        found += [generation_graph(paradigm, nfe, sampler) for nfe in wanted]
    if paradigm.can("logits"):
        found.append(recognition_graph(paradigm, x))
    return [graph for graph in found if graph.evaluations]


def _ends(paradigm: Paradigm, observed: ObservedUpdate, batch: Batch, graph: Graph, modules: dict) -> set[int]:
    """Indices of the calls of an update that are trained by a loss on the end of `graph`."""
    _, last = match_to_graph(observed, graph)
    return trained_by_end(paradigm, observed, batch, modules, last) if last else set()


def _stage_entry(
    observed: ObservedUpdate, graph: Graph, ends: set[int], n_rows: int, copied: dict[str, set[str]]
) -> dict:
    """The five numbers of a stage on a graph, and lists with one value per evaluation: `lit`, the share of rows with
    gradient; `own`, the same for rows that count as on-policy; `gradient_shares`, shares of |dL / d output|.
    """
    positions, rows, size = match_to_graph(observed, graph)[0], observed.rows, len(graph.evaluations)
    lit, own, norms = [0.0] * size, [0.0] * size, {}
    mine = [(i, c) for i, c in enumerate(observed.calls) if c.name in graph.modules and c.differentiated]
    for index, call in mine:
        unit = max(n_rows, rows[call.name])
        for at, share in _spread(call, positions[index], graph):
            lit[at] += share * call.rows / unit
        key = positions[index][0] if positions[index] else f"call {index}"
        norms[key] = norms.get(key, 0.0) + float(call.gradient.double().square().sum())
        if index in ends and positions[index]:
            at, there = positions[index]
            own[at] += float(there.sum()) / unit
    unused = set(graph.modules) - {call.name for _, call in mine}
    through_weights = {name: _trained_share(name, graph, observed.with_gradient, copied) for name in unused}
    for name, share in through_weights.items():
        where = [at for at, evaluation in enumerate(graph.evaluations) if evaluation.name == name]
        for at in where:
            lit[at] += share / len(where)
    coverage, own = min(1.0, sum(lit) / size), [min(1.0, value) for value in own]
    flops = [evaluation.flops for evaluation in graph.evaluations]
    flops = flops if sum(flops) else [1.0] * size
    return {
        "stage": observed.stage.name,
        "coverage": coverage,
        "on_policy_reach": sum(own) / size,
        "credit_length": max(longest_chain([c for _, c in mine]), int(any(through_weights.values()))),
        "flops_weighted_reach": sum(o * f for o, f in zip(own, flops, strict=True)) / sum(flops),
        "effective_reach": min(1.0, _effective(list(norms.values())) / size) if norms else coverage,
        "lit": [min(1.0, value) for value in lit],
        "own": own,
        "gradient_shares": _shares([norms.get(at, 0.0) for at in range(size)]),
        "share": observed.stage.share,
    }


def _spread(call: Call, found: tuple | None, graph: Graph) -> list[tuple[int, float]]:
    """(index of an evaluation, share of the rows of the call) pairs: its match, else the nearest times, else evenly."""
    at = [i for i, evaluation in enumerate(graph.evaluations) if evaluation.name == call.name]
    if found:
        return [(found[0], 1.0)]
    times = torch.tensor([graph.evaluations[i].times for i in at], dtype=call.times.dtype)
    if not call.times.shape[1] or times.shape[1] != call.times.shape[1]:
        return [(i, 1 / len(at)) for i in at]
    counts = torch.bincount(torch.cdist(call.times, times).argmin(1), minlength=len(at)) / call.rows
    return list(zip(at, counts.tolist(), strict=True))


def _trained_share(name: str, graph: Graph, with_gradient: set[str], copied: dict[str, set[str]]) -> float:
    """Share of a module's weights that a stage trains, directly or as the source of a later copy."""
    prefix = "" if name in ("self", "link") else f"{name}."
    weights = [prefix + key for key, p in graph.modules[name].named_parameters() if p.dim() > 1]
    weights = weights or [prefix + key for key, _ in graph.modules[name].named_parameters()]
    trained = [key for key in weights if key in with_gradient or copied.get(key, set()) & with_gradient]
    return len(trained) / max(len(weights), 1)


def _shares(squares: list[float]) -> list[float] | None:
    norms = [math.sqrt(value) for value in squares]
    return [norm / sum(norms) for norm in norms] if sum(norms) else None


def _effective(squares: list[float]) -> float:
    """exp(entropy of the shares): the effective number of evaluations that the gradient is distributed over."""
    return math.exp(-sum(p * math.log(p) for p in _shares(squares) or [] if p > 0))


def _graph_entry(graph: Graph, stages: list[dict]) -> dict:
    """The record's entry of a graph: its stages, and the mean over those that train it, weighted by training FLOPs."""
    weight = sum(stage["share"] for stage in stages if stage["coverage"])
    for stage in stages:
        stage["weight"] = stage.pop("share") / weight if stage["coverage"] else 0.0
    means = {key: sum(stage["weight"] * stage[key] for stage in stages) for key in SCALARS}
    total = sum(evaluation.flops for evaluation in graph.evaluations)
    evaluations = [
        {"name": e.name, "times": list(e.times), "flops_share": e.flops / total if total else None}
        for e in graph.evaluations
    ]
    place_ = {"graph": graph.kind, "sampler": graph.sampler, "nfe": graph.nfe}
    return place_ | means | {"n_evaluations": len(evaluations), "evaluations": evaluations, "stages": stages}


def no_reach() -> dict:
    """Every field of `measure_reach` where nothing can be measured."""
    nothing = dict.fromkeys(("graph", "sampler", "nfe", *SCALARS))
    return nothing | {"natural_nfe": None, "reason": None, "graphs": []}


def _headline(task: str, entries: list[dict], natural: int | None) -> dict:
    kind = next((k for k in (task, "generation", "recognition") if any(e["graph"] == k for e in entries)), None)
    if kind is None:
        return no_reach() | {"reason": "neither sampling nor classifying evaluates a layer"}
    mine = [entry for entry in entries if entry["graph"] == kind]
    chosen = next((e for e in mine if natural and e["nfe"] == natural), max(mine, key=lambda e: e["nfe"] or 0))
    picked = {key: chosen[key] for key in ("graph", "sampler", "nfe", *SCALARS)}
    return picked | {"natural_nfe": natural, "reason": None, "graphs": entries}
