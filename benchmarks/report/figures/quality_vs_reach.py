"""Quality against gradient reach, the share of the inference graph that one update trains."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.figures import axes, style
from benchmarks.report.formats import number, percent
from benchmarks.report.frames.chains import Chain, chains
from benchmarks.report.frames.frames import Frames, over_seeds
from benchmarks.report.frames.parts import listed
from benchmarks.report.languages import say


def draw(frames: Frames) -> Figure | None:
    """Panels: FID ratio of generators at the NFE at which their reach was measured; accuracy of recognisers."""
    found = chains(frames, "reach")
    drawn, seen = (
        DataFrame(filter(None, map(pick, found)), columns=["variant", "nfe", "reach", "quality"]).dropna(subset="reach")
        for pick in (_drawn, _recognised)
    )
    panels = [(table, draw_) for table, draw_ in ((drawn, _generation), (seen, _recognition)) if not table.empty]
    if not panels:
        return None
    fig = style.figure(_finding(frames, drawn, seen))
    for ax, (table, draw_) in zip(fig.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        draw_(ax, frames, table)
        ax.set(xlim=(-0.06, 1.06), xticks=[0, 0.5, 1])
        ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.set_xlabel(say("share of the chain that one update trains"), fontsize=style.SMALL)
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. {caption.spread(frames, mark='bar')} On-policy reach: share of the "
        "evaluations at inference that one update differentiates on their own inference input, for a loss on the end "
        "of the chain; mean over training, weighted by FLOPs. @: evaluations per sample (NFE). "
        + caption.absent(frames, {*drawn.variant, *seen.variant}, "no gradient reach measured"),
        caption.scoring(frames),
        caption.origin(frames),
    )
    return fig


def _drawn(chain: Chain) -> tuple | None:
    """The generation graph of the record's headline reach, or the longest one, with the first sampler's FID ratio."""
    reach, samples = chain.quality["reach"], listed(chain.quality.get("samples"))
    graphs = [entry for entry in listed(reach.get("graphs")) if entry.get("graph") == "generation"]
    first = [sample for sample in samples if sample.get("sampler") == samples[0].get("sampler")]
    ratios = {sample.get("nfe_asked", sample.get("nfe")): sample.get("fid_ratio") for sample in first}
    graphs = [entry for entry in graphs if ratios.get(entry.get("nfe")) is not None]
    if not graphs:
        return None
    entry = next((e for e in graphs if e["nfe"] == reach.get("nfe")), max(graphs, key=lambda e: e["nfe"]))
    return chain.variant, entry["nfe"], entry.get("on_policy_reach"), ratios[entry["nfe"]]


def _recognised(chain: Chain) -> tuple | None:
    entry = next((e for e in listed(chain.quality["reach"].get("graphs")) if e.get("graph") == "recognition"), None)
    accuracy = chain.quality.get("accuracy")
    return None if entry is None or accuracy is None else (chain.variant, None, entry.get("on_policy_reach"), accuracy)


def _generation(ax: Axes, frames: Frames, table: DataFrame) -> None:
    _points(
        ax,
        frames,
        table,
        lambda variant, nfe: say("{name}, {nfe} NFE", name=style.label(frames, variant), nfe=f"{nfe:g}"),
        log=True,
    )
    ax.set_title(say("generation"), fontsize=style.SMALL, loc="left")


def _recognition(ax: Axes, frames: Frames, table: DataFrame) -> None:
    _points(ax, frames, table.assign(nfe=0), lambda variant, _: style.label(frames, variant), log=False)
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set_ylabel(say("test accuracy (higher is better)"))
    ax.set_title(say("recognition"), fontsize=style.SMALL, loc="left")


def _points(ax: Axes, frames: Frames, table: DataFrame, name, log: bool) -> None:
    means = over_seeds(table, ["variant", "nfe", "reach"], "quality").dropna(subset="mean")
    ends = []
    for row in means.itertuples():
        look = style.look(frames, row.variant)
        ax.errorbar(row.reach, row.mean, yerr=row.sd if row.n > 1 else None, color=look.color, marker=look.marker,
                    markersize=13, capsize=4, linewidth=2)  # fmt: skip
        ends.append((row.reach, row.mean, name(row.variant, row.nfe), look.color))
    if log:
        axes.ratio_axis(ax, axes.ratio_title())
        axes.floor_line(ax)
    axes.direct_labels(ax, ends)


def _finding(frames: Frames, drawn: DataFrame, seen: DataFrame) -> str:
    """The best generator, and the best one of those with the most different reach; recognisers where there are none."""
    table, lower = (drawn, True) if len(drawn) else (seen, False)
    means = (
        over_seeds(table, ["variant", "reach"], "quality").dropna(subset="mean").sort_values("mean", ascending=lower)
    )
    if means.empty:
        return say("Quality against gradient reach")
    best = means.iloc[0]
    others = means[(means.reach - best.reach).abs() == (means.reach - best.reach).abs().max()]
    other = others.iloc[0]
    shown = number if lower else percent
    values = {
        "best": style.label(frames, best.variant),
        "quality": shown(best["mean"]),
        "reach": percent(best.reach, 0),
    }
    values |= {
        "other": style.label(frames, other.variant),
        "less": shown(other["mean"]),
        "reach2": percent(other.reach, 0),
    }
    if lower:
        return say(
            "{best}: FID ratio {quality}, one update trains {reach} of the chain; {other}: {less}, with {reach2}",
            **values,
        )
    return say(
        "{best}: accuracy {quality}, one update trains {reach} of the layers; {other}: {less}, with {reach2}",
        **values,
    )
