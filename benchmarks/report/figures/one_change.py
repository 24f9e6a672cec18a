"""Effect of single options: the variant that most others differ from in one option, and those others."""

from __future__ import annotations

from matplotlib.figure import Figure

from benchmarks.report import caption
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import RATIO, plain_log
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.intervals import half_width
from benchmarks.report.frames.lengths import Entry, entries, one_change

SHOWN = "all"


def draw(frames: Frames) -> Figure | None:
    """One line per change: seeds as dots, mean with its 95 % interval; the unchanged variant's interval as a band."""
    if frames.samples.empty:
        return None
    found = one_change(entries(frames))
    if found is None:
        return None
    base, changed = found
    lines = [("unchanged", base), *sorted(changed, key=lambda pair: pair[0])]
    fig = style.figure()
    ax = fig.subplots()
    for height, (_, entry) in enumerate(reversed(lines)):
        _line(ax, frames, entry, height)
    half = half_width(base.sd, base.n)
    if half == half:
        ax.axvspan(max(base.ratio - half, base.ratio / 20), base.ratio + half, color=style.GREY, alpha=0.15, zorder=0)
    ax.axvline(base.ratio, color=style.GREY, linewidth=2, zorder=1)
    ax.set_yticks(range(len(lines)), [_name(frames, *line) for line in reversed(lines)])
    ax.tick_params(axis="y", labelsize=style.SMALL)
    ax.set_xscale("log")
    plain_log(ax.xaxis, decades=2)
    ax.set_xlabel(f"{RATIO}, at the natural NFE")
    ax.set_title(base.title)
    shown = [entry.variant for _, entry in lines]
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. Dots: {caption.seeds(frames, shown)}. Diamonds and bars: mean and its "
        "95 % t interval; grey band: the interval of the unchanged variant. Training FLOPs are equal. Natural NFE: "
        "number of function evaluations that one update differentiates through.",
        caption.scoring(frames),
        caption.origin(frames),
    )
    return fig


def _name(frames: Frames, change: str, entry: Entry) -> str:
    return style.label(frames, f"{change}  ({entry.nfe} NFE)", entry.variant)


def _line(ax, frames: Frames, entry: Entry, height: int) -> None:
    mine = frames.samples[(frames.samples.variant == entry.variant) & (frames.samples.nfe == entry.nfe)]
    seeds = mine[mine.primary.eq(True)].fid_ratio
    ax.plot(seeds, [height] * len(seeds), "o", color=style.SKY, markersize=6, zorder=2)
    half = half_width(entry.sd, entry.n)
    ax.errorbar(
        entry.ratio, height, xerr=half if half == half else None, fmt="D", color=style.BLACK, capsize=4, zorder=3
    )
