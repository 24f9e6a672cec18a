"""FID ratio of chains trained through K steps at NFE = K, beside locally trained paradigms at every NFE."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pandas import Series

from benchmarks.report import caption
from benchmarks.report import estimates as stated
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import direct_labels, floor_line, ratio_axis, ratio_title, series
from benchmarks.report.formats import number
from benchmarks.report.frames import choice
from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.frames.intervals import half_width
from benchmarks.report.frames.lengths import Entry, by_budget, entries, families, kind_of
from benchmarks.report.languages import say

SHOWN = "all"


def draw(frames: Frames) -> Figure | None:
    """One panel per budget: chains at NFE = K, joined by family; paradigms with default options at every NFE."""
    if frames.samples.empty:
        return None
    budgets = _budgets(frames)
    if not budgets:
        return None
    budgets = budgets[:1] if style.on_stage() else budgets
    fig = style.figure(_finding(frames, budgets[0]), estimates=_estimates(frames, budgets[0]))
    axes = fig.subplots(1, len(budgets), squeeze=False, sharey=True)[0]
    for ax, budget in zip(axes, budgets, strict=True):
        ends = [*_families(ax, frames, budget), *_fields(ax, frames, budget)]
        ax.set_xscale("log", base=2)
        ax.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
        ax.set_xlabel(say("network evaluations (NFE)"))
        ax.set_title(say("{flops} training FLOPs", flops=number(budget[0].flops)))
        ratio_axis(ax, ratio_title() if ax is axes[0] else "")
        floor_line(ax)
        direct_labels(ax, _without_shared_ending(ends))
    shown = {entry.variant for budget in budgets for entry in _drawn(budget)}
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. {caption.spread(frames, shown)} NFE: network evaluations per sample. "
        "Chains of K steps are shown at NFE = K, other paradigms at every NFE with their best sampler there, "
        f"chosen on the {'validation' if choice.validated(frames.samples) else 'test'} split. FLOPs of "
        "pre-training are included. "
        + caption.absent(frames.only(frames.samples.variant), shown, "no chains of several lengths or other options"),
        caption.scoring(frames),
        caption.origin(frames),
    )
    return fig


def _budgets(frames: Frames) -> list[list[Entry]]:
    return [budget for budget in by_budget(entries(frames)) if families(budget)]


def _drawn(budget: list[Entry]) -> list[Entry]:
    return [*(entry for members in families(budget).values() for entry in members), *_unchanged(budget)]


def _unchanged(budget: list[Entry]) -> list[Entry]:
    return [entry for entry in budget if not entry.options]


def _without_shared_ending(ends: list[tuple[float, float, str, str]]) -> list[tuple[float, float, str, str]]:
    """The labels without the ending after the last comma, where all of a panel share it."""
    endings = {name.rpartition(", ")[2] for _, _, name, _ in ends}
    if len(ends) < 2 or len(endings) > 1:
        return ends
    return [(x, y, name.rpartition(", ")[0], color) for x, y, name, color in ends]


def _families(ax: Axes, frames: Frames, budget: list[Entry]) -> list[tuple[float, float, str, str]]:
    ends, taken = [], set()
    for name, members in sorted(families(budget).items(), key=lambda family: -len(family[1])):
        last = members[-1]
        kind = kind_of(name)
        look = style.look(frames, name if kind in taken else kind)
        taken.add(kind)
        x, mean, sd = ([getattr(entry, part) for entry in members] for part in ("nfe", "ratio", "sd"))
        series(ax, _column(x), _column(mean), _column(sd), look)
        label = style.label(frames, name, *(entry.variant for entry in members))
        ends.append((last.nfe, last.ratio, label, look.color))
    return ends


def _fields(ax: Axes, frames: Frames, budget: list[Entry]) -> list[tuple[float, float, str, str]]:
    """Paradigms with default options, at every NFE with the sampler that `choice` finds best there."""
    ends = []
    for entry in _unchanged(budget):
        look = style.look(frames, entry.paradigm)
        mine = frames.samples[frames.samples.variant == entry.variant]
        line = over_seeds(mine, ["sampler", "nfe"], "fid_ratio").dropna(subset="mean")
        validation = over_seeds(mine, ["sampler", "nfe"], choice.VALIDATION)[["sampler", "nfe", "mean"]]
        line = line.merge(validation.rename(columns={"mean": choice.VALIDATION}), on=["sampler", "nfe"])
        rows = line.assign(**{choice.TEST: line["mean"]})
        line = line.loc[[choice.best(own).name for _, own in rows.groupby("nfe")]]
        series(ax, line.nfe, line["mean"], line.sd, look)
        label = style.label(frames, entry.title, entry.variant)
        ends.append((line.nfe.iloc[-1], line["mean"].iloc[-1], label, look.color))
    return ends


def _column(values: list[float]) -> Series:
    return Series(values, dtype=float)


def _estimates(frames: Frames, budget: list[Entry]) -> list[str]:
    """The ratios of the title."""
    return [
        stated.of_mean(
            say("{name}, {nfe} NFE", name=style.label(frames, entry.variant), nfe=entry.nfe),
            *(entry.ratio, half_width(entry.sd, entry.n), entry.n),
        )
        for entry in _in_title(budget)
    ]


def _in_title(budget: list[Entry]) -> list[Entry]:
    """The shortest and the longest chain of the two largest families."""
    largest = sorted(families(budget).items(), key=lambda family: (-len(family[1]), family[0]))[:2]
    return [members[end] for _, members in sorted(largest, reverse=True) for end in (0, -1)]


def _finding(frames: Frames, budget: list[Entry]) -> str:
    found = [f"{style.label(frames, entry.variant)} {number(entry.ratio)}" for entry in _in_title(budget)]
    return say("FID ratio: {found}", found=say("; ").join(found))
