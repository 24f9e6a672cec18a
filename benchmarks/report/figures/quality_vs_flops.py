"""Quality along training against training FLOPs."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from pandas import DataFrame, concat

from benchmarks.report import caption
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import floor_line, legend, plain_log, ratio_axis, ratio_of, series
from benchmarks.report.formats import number, percent
from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.languages import say

SECONDS = (
    "Seconds: seconds per update in timing cells that had the computer to themselves, times updates. Before its end a "
    "curve is in mid-schedule of the learning rate. "
)


def draw(frames: Frames, axis: str = "flops", title: str = "") -> Figure | None:
    """Panels: FID ratio at the lowest and at the highest NFE, and test accuracy, against the cost `axis`.

    axis: flops, images or seconds. title: its name with unit; that of training FLOPs by default.
    """
    title = title or say("training FLOPs")
    fid, accuracy = (curve[curve[axis] > 0] for curve in (frames.fid_curve, frames.accuracy_curve))
    fid = fid[fid.primary.eq(True)]
    shown = sorted(fid.nfe.unique())
    shown = list(dict.fromkeys([*shown[:1], *shown[-1:]]))
    n_panels = len(shown) + (not accuracy.empty)
    if not n_panels:
        return None
    value, quality = ratio_of(fid)
    fig = style.figure(_finding(frames, fid, accuracy, value, axis))
    axes = list(fig.subplots(1, n_panels, squeeze=False)[0])
    for ax, nfe in zip(axes, shown, strict=False):
        ax.sharey(axes[0])
        _lines(ax, frames, fid[fid.nfe == nfe], value, axis)
        ax.set_xlabel(title)
        ratio_axis(ax, quality if nfe == shown[0] else "")
        ax.set_title(_evaluations(nfe), fontsize=style.SMALL)
        if value == "fid_ratio":
            floor_line(ax)
    if not accuracy.empty:
        _lines(axes[-1], frames, accuracy, "accuracy", axis)
        axes[-1].set_xlabel(title)
        axes[-1].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes[-1].set_title(say("test accuracy (higher is better)"), fontsize=style.SMALL)
    drawn = concat([fid.variant[fid.nfe.isin(shown)], accuracy.variant])
    missing = "no clean timing or no curve at these NFEs" if axis == "seconds" else "no curve at these NFEs"
    legend(fig, frames, frames.ordered(drawn))
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. {caption.spread(frames, drawn)} The cost of pre-training is included. "
        f"{SECONDS if axis == 'seconds' else ''}{caption.absent(frames, set(drawn), missing)}",
        caption.scoring(frames),
        caption.origin(frames),
    )
    return fig


def _lines(ax: Axes, frames: Frames, curve: DataFrame, value: str, axis: str) -> None:
    for variant, points in curve.groupby("variant"):
        spent = points.groupby("point")[axis].mean()
        line = over_seeds(points, ["point"], value).dropna(subset="mean").sort_values("point")
        line = line[line.point.map(spent) > 0]  # the untrained network cost nothing, and log 0 is not finite
        series(ax, line.point.map(spent), line["mean"], line.sd, style.look(frames, variant))
    ax.set_xscale("log")
    plain_log(ax.xaxis, 1.3, lambda spent: f"{spent:g}" if spent < 1e4 else f"{spent:.0e}".replace("+", ""))
    ax.tick_params(axis="x", labelsize=style.SMALL)


def _finding(frames: Frames, fid: DataFrame, accuracy: DataFrame, value: str, axis: str) -> str:
    """The first and the last point of the variant that ends best, at the highest NFE or in accuracy."""
    of_samples = not fid.empty
    curve = fid[fid.nfe == fid.nfe.max()] if of_samples else accuracy
    means = over_seeds(curve, ["variant", "point"], value if of_samples else "accuracy").dropna(subset="mean")
    if means.empty:
        return say("Quality along training")
    last = means.sort_values("point").groupby("variant")["mean"].last()
    best = last.idxmin() if of_samples else last.idxmax()
    own = means[means.variant == best].sort_values("point")
    spent = curve[curve.variant == best].groupby("point")[axis].mean()
    shown = number if of_samples else percent
    values = {
        "best": style.label(frames, best),
        "first": shown(own["mean"].iloc[0]),
        "last": shown(own["mean"].iloc[-1]),
    }
    values |= {"start": number(spent.iloc[0]), "end": number(spent.iloc[-1])}
    values["evaluations"] = _evaluations(fid.nfe.max())
    cost = {"flops": say("training FLOPs"), "seconds": say("training seconds"), "images": say("training images")}[axis]
    if of_samples:
        text = "{best} ends lowest: {first} after {start} {cost}, {last} after {end}, at {evaluations}"
    else:
        text = "{best} ends most accurate: {first} after {start} {cost}, {last} after {end}"
    return say(text, cost=cost, **values)


def _evaluations(nfe: float) -> str:
    return say("1 network evaluation") if nfe == 1 else say("{nfe} network evaluations", nfe=f"{nfe:g}")
