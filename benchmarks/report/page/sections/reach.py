"""Gradient reach as a picture of the chain: which evaluations of the inference graph one update trains."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import altair as alt

from benchmarks.report.frames.chains import chains
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.parts import listed
from benchmarks.report.page import images, plots
from benchmarks.report.page.blocks import Block, Chart, Listing, Value, heads
from benchmarks.report.page.legend import names
from benchmarks.report.page.run import Run, shown
from benchmarks.report.page.sheets import listings

ORDER, TITLE = 60, "Gradient reach: how much of the chain one update trains"
FIELDS = ["variant", "row", "stage", "link", "share", "own"]
TEXT = (
    "Each disc is one evaluation of the chain of inference, in its order: a network call, a Gibbs sweep or a layer. "
    "Fill: share of the training examples for which one update differentiates it. Ring: on its own inference input, "
    "for a loss on the end of the chain."
)
ROW = 34  # pixels of a stage


def blocks(run: Run) -> list[Block]:
    """Per data set the chains, their numbers, and the table of reach and mismatch."""
    found: list[Block] = []
    for dataset in run.frames.datasets:
        frames = run.frames.of(dataset).without_series()
        if rows := list(_rows(frames)):
            found += _of(run, frames, dataset, rows)
    return found + listings(run, "reach")


def _rows(frames: Frames) -> Iterator[tuple[str, str, int, float, float]]:
    """(variant, stage, place of the evaluation, share trained, share on its own input) of each variant's first seed."""
    for _, group in groupby(chains(frames, "reach"), key=lambda chain: chain.variant):
        chain = next(group)
        reach = chain.quality["reach"]
        wanted = reach.get("graph"), reach.get("nfe")
        graphs = (graph for graph in listed(reach.get("graphs")) if (graph.get("graph"), graph.get("nfe")) == wanted)
        for stage in listed(next(graphs, {}).get("stages")):
            lit = stage.get("lit") or []
            own = stage.get("own") or [0.0] * len(lit)
            for place, (share, on_policy) in enumerate(zip(lit, own, strict=False), 1):
                yield chain.variant, stage.get("stage") or "", place, share or 0.0, on_policy or 0.0


def _of(run: Run, frames: Frames, dataset: str, rows: list[tuple]) -> list[Block]:
    listing, title = run.id("chain", dataset), run.in_data("Which evaluations one update trains", dataset)
    order = list(dict.fromkeys(_name(run, variant, stage) for variant, stage, *_ in rows))
    cells = [
        [run.variant(variant), Value(_name(run, variant, stage)), Value(stage), Value(f"{place}"), Value(shown(share)),
         Value("yes" if own > 0.5 else "no")]
        for variant, stage, place, share, own in rows
    ]  # fmt: skip
    columns = heads(["method", "series", "stage", "link", "share trained", "on its own input"], FIELDS)
    picture = images.figure(run.figure("reach", dataset))
    spec = plots.spec(_chart(frames, order), TEXT)
    numbers = Listing(listing, f"Numbers: {title}", columns, cells)
    return [Chart(run.id("chain-chart", dataset), title, numbers, {"link": spec}, TEXT, picture)]


def _name(run: Run, variant: str, stage: str) -> str:
    return f"{run.titles.get(variant, variant)}: {stage}"


def _chart(frames: Frames, order: list[str]) -> alt.LayerChart:
    look = plots.colored(frames, names(frames))
    labels = alt.Axis(title=None, domain=False, ticks=False)
    title, ticks = "evaluation, in the order of inference", alt.Axis(tickMinStep=1, format="d")
    x = alt.X("link:Q", title=title, axis=ticks, scale=alt.Scale(zero=False, nice=False, padding=20))
    at = {"x": x, "y": alt.Y("row:N", sort=order, axis=labels)}
    tips = plots.tips_of(
        {"title": "method", "stage": "stage", "link": "link", "share": "share trained", "own": "on its own input"}
    )
    chart = plots.base().properties(height=ROW * len(order))
    line = chart.mark_line(color="#9a9a9a", strokeWidth=1.2).encode(**at, detail="row:N")
    empty = chart.mark_point(shape="circle", size=200, color="#9a9a9a", strokeWidth=1.2).encode(**at)
    fill = chart.mark_point(shape="circle", size=200, filled=True).encode(
        **at, color=look["color"], opacity=alt.Opacity("share:Q", scale=None), tooltip=tips
    )
    ring = chart.transform_filter(alt.FieldEqualPredicate(field="own", equal="yes"))
    rings = ring.mark_point(shape="circle", size=420, strokeWidth=2).encode(**at, color=look["color"])
    return alt.layer(line, empty, fill, rings)
