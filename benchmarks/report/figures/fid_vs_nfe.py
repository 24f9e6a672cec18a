"""FID ratio against the number of function evaluations (NFE): what few-step sampling costs in quality."""

from __future__ import annotations

import itertools

from matplotlib.figure import Figure
from pandas import DataFrame, Series

from benchmarks.report import caption
from benchmarks.report import estimates as stated
from benchmarks.report.figures import style
from benchmarks.report.figures.axes import direct_labels, floor_line, ratio_axis, ratio_of, series
from benchmarks.report.formats import number
from benchmarks.report.frames import leaders
from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.languages import say

SAMPLERS = {"ipndm": "iPNDM", "dpmpp": "DPM-Solver++", "heun": "Heun", "euler": "Euler", "midpoint": "midpoint"}
THIN = [style.DOTTED, style.DASHDOT, style.DASHED]  # dashes of the further samplers of a variant


def draw(frames: Frames) -> Figure | None:
    """One line per variant and sampler, with a band over seeds; thin lines for a variant's further samplers."""
    samples = frames.samples
    if samples.empty:
        return None
    value, title = ratio_of(samples)
    titled = _in_title(frames)
    fig = style.figure(_finding(frames, *titled), estimates=_estimates(frames, titled))
    ax = fig.subplots()
    means = (
        over_seeds(samples, ["variant", "sampler", "primary", "nfe"], value).dropna(subset="mean").sort_values("nfe")
    )
    ends = []
    for variant, lines in means.groupby("variant"):
        thin, look = itertools.cycle(THIN), style.look(frames, variant)
        for (primary, sampler), line in lines.groupby(["primary", "sampler"]):
            if primary:
                series(ax, line.nfe, line["mean"], line.sd, look)
            else:
                ax.plot(line.nfe, line["mean"], color=look.color, linestyle=next(thin), linewidth=2)
            label = style.label(frames, variant)
            name = label if primary else say("{name}, {sampler}", name=label, sampler=SAMPLERS.get(sampler, sampler))
            ends.append((line.nfe.iloc[-1], line["mean"].iloc[-1], name, look.color))
    ax.set_xscale("log", base=2)
    nfes = sorted(samples.nfe.unique())
    ax.set_xticks(nfes, [f"{nfe:g}" for nfe in nfes])
    ax.set_xlabel(say("network evaluations per sample (NFE)"))
    ratio_axis(ax, title)
    if value == "fid_ratio":
        floor_line(ax)
    direct_labels(ax, ends)
    style.note(
        fig,
        f"Data: {samples.dataset.iloc[0]}. {caption.spread(frames, samples.variant)} Thin lines: further samplers of a "
        f"variant. {caption.unequal(frames, samples.variant)}",
        caption.scoring(frames),
        caption.origin(frames),
    )
    return fig


def _estimates(frames: Frames, titled: tuple[DataFrame, DataFrame]) -> list[str]:
    """The ratios of the title."""
    rows = [row for table in titled for _, row in table.iterrows()]
    return [stated.of_values(_at(frames, row), leaders.by_seed(frames, row)) for row in rows]


def _at(frames: Frames, row: Series) -> str:
    return say("{name}, {nfe} NFE", name=style.label(frames, row.variant), nfe=f"{row.nfe_asked:g}")


def _in_title(frames: Frames) -> tuple[DataFrame, DataFrame]:
    """The two best variants at few evaluations, and at as many as are best for each."""
    return leaders.leaders(frames, leaders.few(frames))[:2], leaders.leaders(frames)[:2]


def _finding(frames: Frames, at: DataFrame, ever: DataFrame) -> str:
    if at.empty or ever.empty:
        return say("FID against network evaluations per sample")
    nfe = leaders.few(frames)
    few = [f"{style.label(frames, row.variant)} {number(row.fid_ratio)}" for row in at.itertuples()]
    best = [
        f"{style.label(frames, row.variant)} {number(row.fid_ratio)} ({row.nfe_asked:g} NFE)"
        for row in ever.itertuples()
    ]
    return say(
        "FID ratio with {nfe} network evaluations: {few}; at best: {best}",
        **{"nfe": nfe, "few": say("; ").join(few), "best": say("; ").join(best)},
    )
