"""Quality along training against the FLOPs spent: which way to train buys more, and from when on."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from pandas import DataFrame, concat

from benchmarks.report import caption, style
from benchmarks.report.axes import floor_line, legend, plain_log, ratio_axis, ratio_of, series
from benchmarks.report.frames import Frames, over_seeds


def draw(frames: Frames, axis: str = "flops", title: str = "training FLOPs") -> Figure | None:
    """A panel of FID ratios for the fewest and one for the most evaluations, and one of accuracies, against `axis`."""
    fid, accuracy = frames.fid_curve[frames.fid_curve.primary.eq(True)], frames.accuracy_curve
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
        _lines(ax, fid[fid.nfe == nfe], value, axis, title)
        ratio_axis(ax, quality if nfe == shown[0] else "")
        ax.set_title(f"{nfe:g} NFE")
        if value == "fid_ratio":
            floor_line(ax)
    if not accuracy.empty:
        _lines(axes[-1], accuracy, "accuracy", axis, title)
        axes[-1].yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes[-1].set_title("test accuracy")
    drawn = concat([fid.variant, accuracy.variant])
    legend(fig, frames.ordered(drawn))
    style.note(
        fig,
        f"{frames.cells.dataset.iloc[0]}: {caption.spread(frames, drawn)}; pre-training is counted",
        caption.scoring(frames),
        caption.origin(frames),
    )
    return fig


def _lines(ax: Axes, curve: DataFrame, value: str, axis: str, title: str) -> None:
    for variant, points in curve.groupby("variant"):
        spent = points.groupby("point")[axis].mean()
        line = over_seeds(points, ["point"], value).dropna(subset="mean").sort_values("point")
        line = line[line.point.map(spent) > 0]  # a log axis has no place for the untrained network
        series(ax, line.point.map(spent), line["mean"], line.sd, variant)
    ax.set_xscale("log")
    plain_log(ax.xaxis, 1.3, lambda spent: f"{spent:g}" if spent < 1e4 else f"{spent:.0e}".replace("+", ""))
    ax.tick_params(axis="x", labelsize=style.SMALL)
    ax.set_xlabel(title)
