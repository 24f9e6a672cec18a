"""Quality against gradient reach: whether what an update's loss sees of the inference graph is what decides."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from pandas import DataFrame

from benchmarks.report import axes, caption, style
from benchmarks.report.chains import Chain, chains
from benchmarks.report.frames import Frames, over_seeds


def draw(frames: Frames) -> Figure | None:
    """A panel for generation (FID ratio at the evaluations of the reach) and one for recognition (accuracy)."""
    found = chains(frames, "reach")
    drawn = DataFrame(filter(None, map(_drawn, found)), columns=["variant", "nfe", "reach", "quality"])
    seen = DataFrame(filter(None, map(_recognised, found)), columns=["variant", "nfe", "reach", "quality"])
    panels = [(table, draw_) for table, draw_ in ((drawn, _generation), (seen, _recognition)) if not table.empty]
    if not panels:
        return None
    fig = style.figure()
    for ax, (table, draw_) in zip(fig.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        draw_(ax, table)
        ax.set(xlim=(-0.06, 1.06), xticks=[0, 0.5, 1])
        ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.set_xlabel("on-policy reach")
    spread = caption.spread(frames).replace("band", "bar")
    style.note(
        fig,
        f"{frames.cells.dataset.iloc[0]}: {spread}; reach: share of the evaluations of inference that "
        "one update differentiates on their own input by a loss on the end, mean over the training "
        "FLOPs; @: evaluations a sample",
        caption.origin(frames),
    )
    return fig


def _drawn(chain: Chain) -> tuple | None:
    """The generation graph of the headline, or the longest one, with the FID ratio of the first sampler there."""
    reach, samples = chain.quality["reach"], chain.quality.get("samples") or []
    graphs = [entry for entry in reach.get("graphs") or [] if entry["graph"] == "generation"]
    ratios = {s["nfe_asked"]: s.get("fid_ratio") for s in samples if s["sampler"] == samples[0]["sampler"]}
    graphs = [entry for entry in graphs if ratios.get(entry["nfe"]) is not None]
    if not graphs:
        return None
    entry = next((e for e in graphs if e["nfe"] == reach["nfe"]), max(graphs, key=lambda e: e["nfe"]))
    return chain.variant, entry["nfe"], entry["on_policy_reach"], ratios[entry["nfe"]]


def _recognised(chain: Chain) -> tuple | None:
    entry = next((e for e in chain.quality["reach"].get("graphs") or [] if e["graph"] == "recognition"), None)
    accuracy = chain.quality.get("accuracy")
    return None if entry is None or accuracy is None else (chain.variant, None, entry["on_policy_reach"], accuracy)


def _generation(ax: Axes, table: DataFrame) -> None:
    _points(ax, table, lambda variant, nfe: f"{variant} @{nfe:g}", log=True)
    ax.set_title("generation", fontsize=style.SMALL, loc="left")


def _recognition(ax: Axes, table: DataFrame) -> None:
    _points(ax, table.assign(nfe=0), lambda variant, _: variant, log=False)
    ax.yaxis.set_major_formatter(PercentFormatter(1))
    ax.set_ylabel("test accuracy")
    ax.set_title("recognition", fontsize=style.SMALL, loc="left")


def _points(ax: Axes, table: DataFrame, name, log: bool) -> None:
    means = over_seeds(table, ["variant", "nfe", "reach"], "quality").dropna(subset="mean")
    ends = []
    for row in means.itertuples():
        look = style.look(row.variant)
        ax.errorbar(row.reach, row.mean, yerr=row.sd if row.n > 1 else None, color=look.color, marker=look.marker,
                    markersize=13, capsize=4, linewidth=2)  # fmt: skip
        ends.append((row.reach, row.mean, name(row.variant, row.nfe), look.color))
    if log:
        axes.ratio_axis(ax, "FID / FID of real training images")
        axes.floor_line(ax)
    axes.direct_labels(ax, ends)
