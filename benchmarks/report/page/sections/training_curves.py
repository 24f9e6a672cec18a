"""Training loss of every stage."""

from __future__ import annotations

from pandas import DataFrame, Series

from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.page import images, plots
from benchmarks.report.page.blocks import Block, Chart, Listing, Value, heads
from benchmarks.report.page.legend import series
from benchmarks.report.page.run import Run, shown

ORDER, TITLE, PRINTED = 100, "Training curves", False
FIELDS = ["variant", "stage", "flops", "mean", "scaled", "stage_index"]
POINTS = 40  # of a stage
TEXT = (
    "Training loss of every stage, mean over seeds, each scaled to its own range: losses of stages are not comparable."
)


def blocks(run: Run) -> list[Block]:
    """Per data set and method a chart and its numbers."""
    found: list[Block] = []
    for dataset in run.frames.datasets:
        frames = run.frames.of(dataset)
        trained = [one.name for one in series(run) if one.on and one.name in set(frames.loss.variant)]
        picture = images.figure(run.figure("training_curves", dataset)) if trained else None
        for place, name in enumerate(trained):
            points = _points(frames, name)
            if len(points):
                found.append(_chart(run, frames, dataset, name, points, None if place else picture))
    return found


def _points(frames: Frames, name: str) -> DataFrame:
    """The mean loss of every stage at no more than about POINTS updates, and the loss scaled within the stage."""
    keys = ["stage_index", "stage", "update"]
    loss = frames.loss[frames.loss.variant == name]
    lines = over_seeds(loss, keys, "loss").dropna(subset="mean")
    lines = lines.merge(loss.groupby(keys).flops.mean().reset_index(), on=keys)
    if lines.empty:
        return lines
    groups = lines.groupby("stage_index", sort=False)
    place, size = groups.cumcount(), groups["mean"].transform("size")
    lines = lines[(place % (size // POINTS + 1) == 0) | (place == size - 1)]
    return lines.assign(variant=name, scaled=lines.groupby("stage_index", sort=False)["mean"].transform(_scaled))


def _scaled(values: Series) -> Series:
    low, high = values.quantile([0.02, 0.98])
    return ((values - low) / max(high - low, 1e-12)).clip(-0.05, 1.05)


def _chart(run: Run, frames: Frames, dataset: str, name: str, points: DataFrame, picture: str | None) -> Chart:
    title = run.in_data(f"Loss of {run.titles.get(name, name)}", dataset)
    stages = points.drop_duplicates("stage_index")
    tips = {"stage": "stage", "flops": "training FLOPs", "mean": "loss"}
    x = plots.axis("flops", "training FLOPs", "linear")
    y = plots.axis("scaled", "loss, scaled within its stage", "linear")
    look = plots.colored(frames, [name])
    chart = plots.lines(plots.base(True), look, x, y, tips, ("stage_index",), bands=False, size=15)
    cells = [
        [
            *(run.variant(name), Value(row.stage or ""), *(Value(shown(row[field])) for field in FIELDS[2:5])),
            Value(f"{row.stage_index + 1:g}"),
        ]
        for _, row in points.iterrows()
    ]
    columns = heads(["method", "stage", "FLOPs", "loss", "loss, scaled", "number of the stage"], FIELDS)
    numbers = Listing(run.id("loss", dataset, name), f"Numbers: {title}", columns, cells)
    text = f"Stages, in their order: {', '.join(str(stage) for stage in stages.stage)}. {TEXT}"
    specs = {"FLOPs": plots.spec(chart, text)}
    return Chart(run.id("loss-chart", dataset, name), title, numbers, specs, text, picture, small=True)
