"""Train/inference mismatch along the chain."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from pandas import DataFrame

from benchmarks.report.frames.chains import Chain, chains
from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.frames.intervals import bounds
from benchmarks.report.frames.parts import listed
from benchmarks.report.page import images, plots
from benchmarks.report.page.blocks import Block, Chart, Listing, Value, heads
from benchmarks.report.page.legend import names
from benchmarks.report.page.run import Run, shown

ORDER, TITLE = 70, "Train/inference mismatch along the chain"
PANELS = {
    "cumulative_error": "accumulated error",
    "modular_error": "single-link error",
    "two_sample_accuracy": "classifier",
}
FIELDS = ["variant", "place", "mean", "low", "high", "n"]
TEXT = {
    "cumulative_error": "Accumulated error: energy distance between the states of the whole chain, started from noise, "
    "and those that training feeds the next link. Units differ between chains, so compare shapes, not heights.",
    "modular_error": "Error of single links: the same distance after one link that starts from training's states.",
    "two_sample_accuracy": "Accuracy of a classifier that separates states of the chain from those of training; 50 % "
    "is best.",
}


def blocks(run: Run) -> list[Block]:
    """Per data set three charts and their numbers."""
    found: list[Block] = []
    for dataset in run.frames.datasets:
        frames = run.frames.of(dataset)
        steps = DataFrame([row for chain in chains(frames, "mismatch") for row in _steps(chain)])
        for index, column in enumerate(PANELS if len(steps) else ()):
            found += _panel(run, frames, dataset, steps, column, index == 0)
    return found


def _steps(chain: Chain) -> Iterator[dict]:
    """The states of a chain, the first being noise; a failed diagnosis has none."""
    steps = listed(chain.quality["mismatch"].get("steps"))
    for index, step in enumerate(steps if len(steps) > 1 else []):
        place = index if step.get("step") is None else step["step"]
        values = {column: step.get(column) for column in (*PANELS, "floor")}
        yield {"variant": chain.variant, "place": place / (len(steps) - 1), **values}


def _panel(run: Run, frames: Frames, dataset: str, steps: DataFrame, column: str, first: bool) -> list[Block]:
    table = over_seeds(steps.assign(value=pd.to_numeric(steps[column])), ["variant", "place"], "value")
    table = table.dropna(subset="mean")
    if table.empty:
        return []
    low, high = bounds(table["mean"], table.sd, table.n)
    words, distance = PANELS[column], column != "two_sample_accuracy"
    table = table.assign(low=low, high=high)
    least = _least(steps)
    if distance:
        table[["mean", "low", "high"]] = table[["mean", "low", "high"]].clip(lower=least)
    y = plots.axis("mean", words, "log" if distance else "linear")
    tips = {"title": "method", "place": "place", "mean": words, "low": "95 % interval from", "high": "to"}
    tips |= {"n": "training seeds"}
    x = plots.axis("place", "from noise (0) to the sample (1)", "linear", domain=[0, 1])
    look = plots.colored(frames, names(frames))
    chart = plots.lines(plots.base(True), look, x, y, tips, (), bool(table.low.notna().any()))
    chart = chart if distance else chart + plots.floor(0.5, "not separable")
    listing, title = run.id("mismatch", dataset, column), run.in_data(words[:1].upper() + words[1:], dataset)
    picture = images.figure(run.figure("mismatch", dataset)) if first else None
    cells = [
        [run.variant(row.variant), *(Value(shown(row[name])) for name in FIELDS[1:])] for _, row in table.iterrows()
    ]
    specs = {"place": plots.spec(chart, TEXT[column])}
    said = TEXT[column] + (f" Values below {least:.2g} are within noise and shown as {least:.2g}." if distance else "")
    columns = heads(["method", "place", words, "low", "high", "seeds"], FIELDS)
    numbers = Listing(listing, f"Numbers: {title}", columns, cells)
    return [Chart(run.id("mismatch-chart", dataset, column), title, numbers, specs, said, picture, small=True)]


def _least(steps: DataFrame) -> float:
    """The least distance to show: below it there is only noise, which may be negative, and a log axis has no zero."""
    floor = pd.to_numeric(steps.floor).abs().median()
    return floor / 8 if floor > 0 else 1e-4
