"""Quality along training against FLOPs, images or seconds."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from pandas import DataFrame

from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.frames.intervals import bounds
from benchmarks.report.page import images, plots
from benchmarks.report.page.blocks import Block, Chart, Listing, Value, heads
from benchmarks.report.page.legend import names
from benchmarks.report.page.run import Run, shown
from benchmarks.report.page.sheets import listings

ORDER, TITLE = 50, "Quality along training"
FIELDS = ["variant", "nfe", "flops", "images", "seconds", "mean", "low", "high", "n"]
AXES = {"FLOPs": "training FLOPs", "images": "training images", "seconds": "training seconds"}
PLACES = ["flops", "images", "seconds"]


def blocks(run: Run) -> list[Block]:
    """Per data set a chart for each number of evaluations of the curve, one of accuracy, and their numbers."""
    found: list[Block] = []
    for dataset in run.frames.datasets:
        frames = run.frames.of(dataset)
        fid = frames.fid_curve[frames.fid_curve.primary.eq(True)]
        for nfe, curve in fid.groupby("nfe"):
            found += _of(run, frames, dataset, curve, "fid_ratio", f"FID ratio at {nfe:g} NFE", f"{nfe:g}")
        if len(frames.accuracy_curve):
            found += _of(run, frames, dataset, frames.accuracy_curve, "accuracy", "accuracy", "")
    tables = listings(run, "at_equal_flops", "at_equal_images", "at_equal_seconds", "time_to_target")
    return found + [replace(table, printed=False) for table in tables]


def _of(run: Run, frames: Frames, dataset: str, curve: DataFrame, value: str, what: str, nfe: str) -> list[Block]:
    points = _points(frames, curve, value)
    if points.empty:
        return []
    fid, listing = value == "fid_ratio", run.id("along", dataset, what)
    look = plots.colored(frames, names(frames))
    y = plots.axis("mean", f"{what} ({'lower' if fid else 'higher'} is better)", "log" if fid else "linear")
    tips = {"title": "method", "mean": what, "low": "95 % interval from", "high": "to", "n": "training seeds"}
    tips |= {"flops": "training FLOPs", "images": "images", "seconds": "seconds"}
    specs, text = {}, f"{what[:1].upper() + what[1:]} along training, with bands of the 95 % interval over seeds."
    for (words, title), field in zip(AXES.items(), PLACES, strict=True):
        if points[field].notna().any():
            chart = plots.lines(
                plots.base(True), look, plots.axis(field, title), y, tips, (), bool(points.low.notna().any())
            )
            specs[words] = plots.spec(chart + plots.floor(1, "real training images") if fid else chart, text)
    title = run.in_data(f"{what[:1].upper() + what[1:]} along training", dataset)
    picture = images.figure(run.figure("quality_vs_flops", dataset)) if fid and nfe == "1" else None
    cells = [
        [run.variant(row.variant), Value(nfe), *(Value(shown(row[name])) for name in FIELDS[2:])]
        for _, row in points.iterrows()
    ]
    columns = heads(["method", "NFE", "FLOPs", "images", "seconds", what, "low", "high", "seeds"], FIELDS)
    text += " Before its end a curve is in mid-schedule of the learning rate. Pre-training is included in the cost."
    numbers = Listing(listing, f"Numbers: {title}", columns, cells)
    return [Chart(run.id("along-chart", dataset, what), title, numbers, specs, text, picture, small=True)]


def _points(frames: Frames, curve: DataFrame, value: str) -> DataFrame:
    """Per variant and point along training its mean with its interval, and what training had cost."""
    lines = over_seeds(curve, ["variant", "point"], value).dropna(subset="mean")
    spent = curve.groupby(["variant", "point"])[PLACES].mean().reset_index()
    lines = lines.merge(spent, on=["variant", "point"])
    lines = lines[lines.flops > 0]  # the untrained network cost nothing, and log 0 is not finite
    if value == "accuracy":
        series = frames.cells.groupby("variant").series.first()
        lines = lines[lines.variant.map(series).isna()]  # points of a series have a chart of their own
    low, high = bounds(lines["mean"], lines.sd, lines.n, 0)
    low = pd.Series(low, index=lines.index).clip(lower=lines["mean"] / 20)  # a log axis has no zero
    order = frames.ordered(lines.variant)
    lines = lines.assign(low=low, high=high, place=lines.variant.map(order.index))
    return lines.sort_values(["place", "point"])
