"""FID ratio against sampling time per image, since the cost of one evaluation differs between variants."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import floor_line, legend, plain_log, ratio_axis, ratio_of, series
from benchmarks.report.formats import number
from benchmarks.report.frames import leaders
from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.languages import say


def draw(frames: Frames) -> Figure | None:
    """One line per variant through its NFEs, first sampler only; numbers at the ends of a line are its NFEs."""
    samples = frames.samples[frames.samples.primary.eq(True)]
    key = ["variant", "sampler", "nfe_asked"]
    times = frames.timing.groupby(key, as_index=False).sample_ms_per_image.mean()
    value, title = ratio_of(samples)
    points = over_seeds(samples, key, value).merge(times, on=key).dropna(subset=["mean", "sample_ms_per_image"])
    if points.empty:
        return None
    fig = style.figure(_finding(frames, times))
    ax = fig.subplots()
    for variant, line in points.groupby("variant"):
        line = line.sort_values("nfe_asked")
        series(ax, line.sample_ms_per_image, line["mean"], line.sd, style.look(frames, variant))
        _name_ends(ax, line, style.ink(style.look(frames, variant).color))
    ax.set_xscale("log")
    plain_log(ax.xaxis, decades=3)
    ax.set_xlabel(say("sampling time in batches, milliseconds per image (lower is better)"))
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
    halo = [withStroke(linewidth=4, foreground=style.theme().paper)]
    for end, side, shift in ((line.iloc[0], "right", -10), (line.iloc[-1], "left", 10)):
        place = {"xytext": (shift, 0), "textcoords": "offset points", "ha": side, "va": "center", "zorder": 5}
        point = (end.sample_ms_per_image, end["mean"])
        ax.annotate(f"{end.nfe_asked:g}", point, **place, color=color, fontsize=style.SMALL, path_effects=halo)


def _finding(frames: Frames, times: DataFrame) -> str:
    """The best variant, and the fastest one among those with less than twice its ratio."""
    found = leaders.leaders(frames).merge(times, on=["variant", "sampler", "nfe_asked"]).dropna()
    if found.empty:
        return say("FID against sampling time")
    best = found.iloc[0]
    near = found[found.fid_ratio < 2 * best.fid_ratio]
    fast = near.loc[near.sample_ms_per_image.idxmin()]
    values = {"best": style.label(frames, best.variant), "ratio": number(best.fid_ratio)}
    values |= {"ms": number(best.sample_ms_per_image)}
    if fast.variant == best.variant:
        return say("{best} has the lowest FID ratio ({ratio}) at {ms} ms per image", **values)
    return say(
        "{fast} reaches an FID ratio of {fast_ratio} in {fast_ms} ms per image; {best} needs {ms} ms for {ratio}",
        **{"fast": style.label(frames, fast.variant), "fast_ratio": number(fast.fid_ratio)},
        **{"fast_ms": number(fast.sample_ms_per_image), **values},
    )
