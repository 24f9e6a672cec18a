"""Effect of single changes: the variant that most others differ from in one option, and those others."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from benchmarks.report import caption
from benchmarks.report import estimates as stated
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import plain_log
from benchmarks.report.formats import number
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.intervals import half_width
from benchmarks.report.frames.lengths import Entry, entries, one_change
from benchmarks.report.languages import name as in_words
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import balanced

SHOWN = "all"
NAME_WIDTH = 44  # letters of a line of a change's name


def draw(frames: Frames) -> Figure | None:
    """One line per change: seeds as dots, mean with its 95 % interval; the unchanged variant's interval as a band."""
    if frames.samples.empty:
        return None
    found = one_change(entries(frames))
    if found is None:
        return None
    base, changed = found
    words = {entry.variant: _in_words(change, entry, base) for change, entry in changed}
    found = [entry for _, entry in changed]
    fig = style.figure(_finding(base, found, words), estimates=_estimates(frames, base, found))
    ax = fig.subplots()
    lines = [(base, say("unchanged")), *((entry, words[entry.variant]) for _, entry in _by_ratio(changed))]
    for height, (entry, _) in enumerate(reversed(lines)):
        _line(ax, frames, entry, height)
    half = half_width(base.sd, base.n)
    theme = style.theme()
    if half == half:
        ax.axvspan(max(base.ratio - half, base.ratio / 20), base.ratio + half, color=theme.muted, alpha=0.15, zorder=0)
    ax.axvline(base.ratio, color=theme.muted, linewidth=2, zorder=1)
    ax.set_yticks(range(len(lines)), [_name(frames, *line) for line in reversed(lines)])
    ax.tick_params(axis="y", labelsize=style.SMALL)
    ax.set_xscale("log")
    plain_log(ax.xaxis, decades=2)
    ax.set_xlabel(say("FID ratio, NFE as in training (lower is better)"))
    shown = [entry.variant for entry, _ in lines]
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. Unchanged: {base.title} ({base.variant}). Dots: "
        f"{caption.seeds(frames, shown)}. Diamonds and bars: mean and its 95 % t interval; grey band: the interval of "
        "the unchanged variant. Training FLOPs are equal. Samples have as many network evaluations (NFE) as one update "
        "differentiates through.",
        caption.scoring(frames),
        caption.origin(frames),
    )
    return fig


def _by_ratio(changed: list[tuple[str, Entry]]) -> list[tuple[str, Entry]]:
    return sorted(changed, key=lambda pair: pair[1].ratio)


def _in_words(change: str, entry: Entry, base: Entry) -> str:
    """What the title says beyond the unchanged variant's; the whole title, or the options, where it says nothing."""
    if entry.title.startswith(f"{base.title}, "):
        return in_words(entry.title.removeprefix(f"{base.title}, "))
    return in_words(entry.title) if entry.title != base.title else change


def _estimates(frames: Frames, base: Entry, changed: list[Entry]) -> list[str]:
    """The ratios of the title."""
    return [
        stated.of_mean(
            say("{name}, {nfe} NFE", name=style.label(frames, entry.variant), nfe=entry.nfe),
            *(entry.ratio, half_width(entry.sd, entry.n), entry.n),
        )
        for entry in (base, _largest(base, changed))
    ]


def _largest(base: Entry, changed: list[Entry]) -> Entry:
    return max(changed, key=lambda entry: abs(math.log(entry.ratio / base.ratio)))


def _finding(base: Entry, changed: list[Entry], words: dict[str, str]) -> str:
    most = _largest(base, changed)
    better = sum(entry.ratio < base.ratio for entry in changed)
    return say(
        "{better} of {n} changes lower the FID ratio of {base} ({ratio}); the largest effect has “{most}” ({changed})",
        **{"better": better, "n": len(changed), "base": in_words(base.title), "ratio": number(base.ratio)},
        **{"most": words[most.variant], "changed": number(most.ratio)},
    )


def _name(frames: Frames, entry: Entry, words: str) -> str:
    shown = say("{change} ({nfe} NFE)", change=words, nfe=entry.nfe)
    marked = style.label(frames, shown, entry.variant)
    return "\n".join(balanced(marked, NAME_WIDTH))


def _line(ax, frames: Frames, entry: Entry, height: int) -> None:
    mine = frames.samples[(frames.samples.variant == entry.variant) & (frames.samples.nfe == entry.nfe)]
    seeds = mine[mine.primary.eq(True)].fid_ratio
    series, text = style.theme().series, style.theme().text
    ax.plot(seeds, [height] * len(seeds), "o", color=series["sky"], markersize=6, zorder=2)
    half = half_width(entry.sd, entry.n)
    ax.errorbar(entry.ratio, height, xerr=half if half == half else None, fmt="D", color=text, capsize=4, zorder=3)
