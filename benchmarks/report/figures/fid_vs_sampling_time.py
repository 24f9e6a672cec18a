"""FID ratio against sampling time per image, since the cost of one evaluation differs between variants."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import floor_line, legend, plain_log, ratio_axis, ratio_of, series
from benchmarks.report.frames.frames import Frames, over_seeds


def draw(frames: Frames) -> Figure | None:
    """One line per variant through its NFEs, first sampler only; numbers at the ends of a line are its NFEs."""
    samples = frames.samples[frames.samples.primary.eq(True)]
    key = ["variant", "sampler", "nfe_asked"]
    times = frames.timing.groupby(key, as_index=False).sample_ms_per_image.mean()
    value, title = ratio_of(samples)
    points = over_seeds(samples, key, value).merge(times, on=key).dropna(subset=["mean", "sample_ms_per_image"])
    if points.empty:
        return None
    fig = style.figure()
    ax = fig.subplots()
    for variant, line in points.groupby("variant"):
        line = line.sort_values("nfe_asked")
        series(ax, line.sample_ms_per_image, line["mean"], line.sd, style.look(frames, variant))
        _name_ends(ax, line, style.ink(style.look(frames, variant).color))
    ax.set_xscale("log")
    plain_log(ax.xaxis, decades=3)
    ax.set_xlabel("sampling time in batches, milliseconds per image (lower is better)")
    ratio_axis(ax, title)
    if value == "fid_ratio":
        floor_line(ax)
    legend(fig, frames, frames.ordered(points.variant))
    style.note(
        fig,
        f"Data: {samples.dataset.iloc[0]}. {caption.spread(frames, samples.variant)} Numbers at the ends of a line: "
        f"number of function evaluations (NFE) per sample. {caption.timing(frames)} "
        + caption.absent(frames.only(samples.variant), set(points.variant), "no sampling time"),
        caption.scoring(frames),
        caption.origin(frames),
    )
    return fig


def _name_ends(ax: Axes, line: DataFrame, color: tuple[float, ...]) -> None:
    """Write the NFE beside the first and the last point."""
    halo = [withStroke(linewidth=4, foreground="white")]
    for end, side, shift in ((line.iloc[0], "right", -10), (line.iloc[-1], "left", 10)):
        place = {"xytext": (shift, 0), "textcoords": "offset points", "ha": side, "va": "center", "zorder": 5}
        point = (end.sample_ms_per_image, end["mean"])
        ax.annotate(f"{end.nfe_asked:g}", point, **place, color=color, fontsize=style.SMALL, path_effects=halo)
