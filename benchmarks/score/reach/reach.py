"""Gradient reach: which evaluations of the inference graph one update evaluates and differentiates, measured.

Nothing is declared. One update's loss is run and backpropagated on a copy while every evaluation is tagged with its
module, place, times and input, and the gradient at its output is caught. Definitions, over the inference graph I of one
sample (`benchmarks.score.reach.graph`), for one update and one row of its batch:

coverage          evaluations that receive gradient / |I|, at most 1
on_policy_reach   evaluations of I that the update makes on their own inference input and that receive gradient from a
                  loss on the end of the chain / |I|
credit_length     evaluations on the longest path of the autograd graph that receives gradient
flops_weighted_reach   on_policy_reach with evaluations weighted by their FLOPs
effective_reach   exp(entropy of the shares of |dL/d output| over the evaluations) / |I|

"Own inference input" is behaviour: run with the same seed on another batch, the input of a link that draws samples must
not change (it comes from noise and the chain's own states), that of a recogniser must; and the evaluation's module,
place and times must be those of I. "A loss on the end of the chain" is behaviour too: the gradient at the evaluation
changes when what the last evaluation of I gives is changed. Of local losses on the link's own states only the last
passes that.

A stage that trains a layer without calling it (contrastive divergence; layers that a later stage copies) covers it once
an update: found by the gradient of its weights, and by what `begin` copies (`reach.copied_parameters`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from benchmarks.clone import twin
from benchmarks.score.reach.calls import Call, longest_chain
from benchmarks.score.reach.copied_parameters import lineage
from benchmarks.score.reach.graph import Graph, generation_graph, recognition_graph
from benchmarks.score.reach.updates import Seen, ends_in, place, watch
from paradigms.base import Batch, Paradigm

N_ROWS = 64
MAX_NFE = 8
SCALARS = ("coverage", "on_policy_reach", "credit_length", "flops_weighted_reach", "effective_reach")


def measure_reach(
    paradigm: Paradigm, x: Tensor, label: Tensor, nfe: int | Sequence[int], sampler: str | None = None
) -> dict:
    """Reach of every stage over every inference graph; works on a copy and leaves the global generator as it was.

    x (N, C, H, W), label (N,): training data, of which two batches are used. nfe: evaluation counts to report; those
    above 8 are left out where there are others, and the natural one is added (see `natural_nfe`). sampler: None for
    the paradigm's first. The headline is that of the graph of the paradigm's task, at its natural count, averaged over
    the stages that train this graph with their shares of the training FLOPs as weights.
    """
    tried = twin(paradigm)
    sampler = sampler or paradigm.samplers[0]
    rows = min(N_ROWS, len(x) // 2)
    # The labels stay: a chain may be told which class to draw, in training as in inference.
    pair = Batch(x[:rows], label[:rows]), Batch(x[rows : 2 * rows], label[:rows])
    with torch.random.fork_rng(devices=[tried.device] if tried.device.type == "cuda" else []):
        graphs = _graphs(tried, x, [nfe] if isinstance(nfe, int) else nfe, sampler)
        modules = {name: module for graph in graphs for name, module in graph.modules.items()}
        seen = [watch(tried, stage, pair, modules) for stage in tried.stages()]
        drawn = [graph for graph in graphs if graph.kind == "generation"]
        natural = natural_nfe(seen, drawn[0]) if drawn else None
        if natural and natural not in [graph.nfe for graph in drawn] and tried.allows(natural, sampler):
            graphs.append(generation_graph(tried, natural, sampler))
        ends = [[_ends(tried, watched, pair[0], graph, modules) for watched in seen] for graph in graphs]
        copied = lineage(twin(tried))
    entries = []
    for graph, own in zip(graphs, ends, strict=True):
        stages = [_stage_entry(watched, graph, end, rows, copied) for watched, end in zip(seen, own, strict=True)]
        entries.append(_graph_entry(graph, stages))
    return _headline(paradigm.task, entries, natural)


def natural_nfe(seen: Sequence[Seen], graph: Graph) -> int | None:
    """The number of evaluations that training is about, from what its updates evaluate; None where nothing tells.

    The length of the chain, where an update runs the link on its own states and differentiates it. Else, where the
    link is told the time it lands on (x, t, r), the fewest steps of the longest span t - r that is trained. A field
    trained at single times (r = t) has none.
    """
    link, start = graph.evaluations[0].name, (graph.evaluations[0].times or (0.0,))[0]
    lengths, spans = [], []
    for watched in seen:
        calls = [(c, u) for c, u in zip(watched.calls, watched.unmoved, strict=True) if c.name == link]
        own = [call for call, unmoved in calls if unmoved is not None and bool(unmoved.all())]
        if any(call.differentiated for call in own):
            times = {tuple(call.times[0].tolist()) for call in own} - {()}
            lengths.append(len(times) or round(sum(call.rows for call in own) / watched.rows[link]))
        for call, _ in calls:
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


def _ends(paradigm: Paradigm, seen: Seen, batch: Batch, graph: Graph, modules: dict) -> set[int]:
    """The calls of an update that a loss on the end of `graph` trains."""
    _, last = place(seen, graph)
    return ends_in(paradigm, seen, batch, modules, last) if last else set()


def _stage_entry(seen: Seen, graph: Graph, ends: set[int], n_rows: int, copied: dict[str, set[str]]) -> dict:
    """The five numbers of a stage on a graph; and per evaluation `lit`, `own` and the gradient's share."""
    places, rows, size = place(seen, graph)[0], seen.rows, len(graph.evaluations)
    lit, own, norms = [0.0] * size, [0.0] * size, {}
    mine = [(i, c) for i, c in enumerate(seen.calls) if c.name in graph.modules and c.differentiated]
    for index, call in mine:
        unit = max(n_rows, rows[call.name])
        for at, share in _spread(call, places[index], graph):
            lit[at] += share * call.rows / unit
        key = places[index][0] if places[index] else f"call {index}"
        norms[key] = norms.get(key, 0.0) + float(call.gradient.double().square().sum())
        if index in ends and places[index]:
            at, there = places[index]
            own[at] += float(there.sum()) / unit
    unused = set(graph.modules) - {call.name for _, call in mine}
    through_weights = {name: _touched_share(name, graph, seen.touched, copied) for name in unused}
    for name, share in through_weights.items():
        where = [at for at, evaluation in enumerate(graph.evaluations) if evaluation.name == name]
        for at in where:
            lit[at] += share / len(where)
    coverage, own = min(1.0, sum(lit) / size), [min(1.0, value) for value in own]
    flops = [evaluation.flops for evaluation in graph.evaluations]
    flops = flops if sum(flops) else [1.0] * size
    return {
        "stage": seen.stage.name,
        "coverage": coverage,
        "on_policy_reach": sum(own) / size,
        "credit_length": max(longest_chain([c for _, c in mine]), int(any(through_weights.values()))),
        "flops_weighted_reach": sum(o * f for o, f in zip(own, flops, strict=True)) / sum(flops),
        "effective_reach": min(1.0, _effective(list(norms.values())) / size) if norms else coverage,
        "lit": [min(1.0, value) for value in lit],
        "own": own,
        "gradient_shares": _shares([norms.get(at, 0.0) for at in range(size)]),
        "share": seen.stage.share,
    }


def _spread(call: Call, found: tuple | None, graph: Graph) -> list[tuple[int, float]]:
    """Where in the graph the rows of a call count: at its place, else at the nearest times, else evenly."""
    at = [i for i, evaluation in enumerate(graph.evaluations) if evaluation.name == call.name]
    if found:
        return [(found[0], 1.0)]
    times = torch.tensor([graph.evaluations[i].times for i in at], dtype=call.times.dtype)
    if not call.times.shape[1] or times.shape[1] != call.times.shape[1]:
        return [(i, 1 / len(at)) for i in at]
    counts = torch.bincount(torch.cdist(call.times, times).argmin(1), minlength=len(at)) / call.rows
    return list(zip(at, counts.tolist(), strict=True))


def _touched_share(name: str, graph: Graph, touched: set[str], copied: dict[str, set[str]]) -> float:
    """The share of a module's weights that a stage moves, in place or as what they are later copied from."""
    prefix = "" if name in ("self", "link") else f"{name}."
    weights = [prefix + key for key, p in graph.modules[name].named_parameters() if p.dim() > 1]
    weights = weights or [prefix + key for key, _ in graph.modules[name].named_parameters()]
    moved = [key for key in weights if key in touched or copied.get(key, set()) & touched]
    return len(moved) / max(len(weights), 1)


def _shares(squares: list[float]) -> list[float] | None:
    norms = [math.sqrt(value) for value in squares]
    return [norm / sum(norms) for norm in norms] if sum(norms) else None


def _effective(squares: list[float]) -> float:
    """exp of the entropy of the shares: the number of evaluations among which the gradient is divided evenly."""
    return math.exp(-sum(p * math.log(p) for p in _shares(squares) or [] if p > 0))


def _graph_entry(graph: Graph, stages: list[dict]) -> dict:
    """The stages on one graph, and their mean over the training FLOPs of those that train it at all."""
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


def _headline(task: str, entries: list[dict], natural: int | None) -> dict:
    kind = next((k for k in (task, "generation", "recognition") if any(e["graph"] == k for e in entries)), None)
    if kind is None:
        nothing = dict.fromkeys(("graph", "sampler", "nfe", *SCALARS))
        return nothing | {
            "natural_nfe": None,
            "reason": "neither sampling nor classifying evaluates a layer",
            "graphs": [],
        }
    mine = [entry for entry in entries if entry["graph"] == kind]
    chosen = next((e for e in mine if natural and e["nfe"] == natural), max(mine, key=lambda e: e["nfe"] or 0))
    picked = {key: chosen[key] for key in ("graph", "sampler", "nfe", *SCALARS)}
    return picked | {"natural_nfe": natural, "reason": None, "graphs": entries}
