"""Quality along training against training FLOPs."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from pandas import DataFrame, concat

from benchmarks.report import caption
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import floor_line, legend, plain_log, ratio_axis, ratio_of, series
from benchmarks.report.frames.frames import Frames, over_seeds

SECONDS = (
    "Seconds: seconds per update in timing cells that had the computer to themselves, times updates. Before its end a "
    "curve is in mid-schedule of the learning rate. "
)


def draw(frames: Frames, axis: str = "flops", title: str = "training FLOPs") -> Figure | None:
    """Panels: FID ratio at the lowest and at the highest NFE, and test accuracy, against the cost `axis`.

    axis: flops, images or seconds. title: its name with unit.
    """
    fid, accuracy = (curve[curve[axis] > 0] for curve in (frames.fid_curve, frames.accuracy_curve))
    fid = fid[fid.primary.eq(True)]
    shown = sorted(fid.nfe.unique())
    shown = list(dict.fromkeys([*shown[:1], *shown[-1:]]))
    n_panels = len(shown) + (not accuracy.empty)
    if not n_panels:
        return None
    fig = style.figure()
    axes = list(fig.subplots(1, n_panels, squeeze=False)[0])
    value, quality = ratio_of(fid)
    for ax, nfe in zip(axes, shown, strict=False):
        ax.sharey(axes[0])
        _lines(ax, frames, fid[fid.nfe == nfe], value, axis)
        ax.set_xlabel(title)
        ratio_axis(ax, quality if nfe == shown[0] else "")
        ax.set_title(f"{nfe:g} NFE")
        if value == "fid_ratio":
            floor_line(ax)
    if not accuracy.empty:
        _lines(axes[-1], frames, accuracy, "accuracy", axis)
        axes[-1].set_xlabel(title)
        axes[-1].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes[-1].set_title("test accuracy (higher is better)", fontsize=style.SMALL)
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
