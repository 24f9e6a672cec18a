"""Two eras twice: chains whose links are trained by losses of their own, and chains trained by one loss."""

from __future__ import annotations

from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report import caption
from benchmarks.report import estimates as stated
from benchmarks.report.figures import style
from benchmarks.report.formats import percent
from benchmarks.report.frames.chains import chains
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.parts import listed
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import balanced

DISC = 30  # points
NAME_WIDTH = 34  # letters of a line of a variant's name
KEYS = ("graph", "nfe")  # that name a graph of a record


def draw(frames: Frames) -> Figure | None:
    """2 x 2: recognition and generation, the variant with the least on-policy reach and the one with the most."""
    found = _found(frames)
    if not found:
        return None
    fig = style.figure(_finding(frames, found), estimates=_estimates(frames, found))
    axes = fig.subplots(len(found), 2, squeeze=False)
    for row, (task, ends) in zip(axes, found.items(), strict=True):
        for ax, (variant, entry) in zip(row, ends, strict=True):
            chain(ax, entry, style.look(frames, variant).color)
            name = "\n".join(balanced(style.label(frames, variant), NAME_WIDTH))
            reached = say("one update trains {share} of the links", share=percent(entry["coverage"], 0))
            ax.set_title(f"{name}\n{reached}", fontsize=style.SMALL, color=style.ink(style.look(frames, variant).color))
        links = say("recognition:\nlinks are layers") if task == "recognition" else say("generation:\nlinks are steps")
        row[0].text(-0.04, 0.5, links, transform=row[0].transAxes, ha="right", va="center", fontsize=style.SMALL)
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. Discs: evaluations of the inference chain in their order; fill: share "
        "of the training examples for which one update trains them, in the longest stage of training. Percentage: "
        "coverage, the share of the links that an update differentiates; mean over stages, weighted by FLOPs. Left: "
        "the least, right: the most links trained on their own inputs at inference (on-policy reach).",
        caption.origin(frames),
    )
    return fig


def _found(frames: Frames) -> dict:
    return {task: ends for task in ("recognition", "generation") if (ends := extremes(frames, task))}


def _estimates(frames: Frames, found: dict) -> list[str]:
    """The shares of the title over training seeds."""
    return [
        stated.of_values(style.label(frames, variant), _coverage(frames, variant, graph), stated.shares(0))
        for ends in found.values()
        for variant, graph in ends
    ]


def _coverage(frames: Frames, variant: str, wanted: dict) -> list[float]:
    """The coverage of a graph of a variant by training seed."""
    own = (
        listed(chain.quality["reach"].get("graphs")) for chain in chains(frames, "reach") if chain.variant == variant
    )
    same = (graph for graphs in own for graph in graphs if all(graph.get(key) == wanted.get(key) for key in KEYS))
    return [graph["coverage"] for graph in same if graph.get("coverage") is not None]


def extremes(frames: Frames, task: str) -> tuple[tuple[str, dict], tuple[str, dict]] | None:
    """(variant, its graph of `task`) with the least and with the most reach, among chains of several links."""
    found = {}
    for variant, own in groupby(chains(frames, "reach"), key=lambda chain: chain.variant):
        graphs = listed(next(own).quality["reach"].get("graphs"))
        known = [graph for graph in graphs if graph.get("graph") == task and graph.get("on_policy_reach") is not None]
        known = [graph for graph in known if (graph.get("n_evaluations") or 0) > 1 and listed(graph.get("stages"))]
        wanted = [graph for graph in known if (graph.get("nfe") or 4) == 4] or known
        is_of = set(frames.cells.task[frames.cells.variant == variant]) == {task}
        if wanted and is_of:
            found[variant] = wanted[0]
    reach = {variant: graph["on_policy_reach"] for variant, graph in found.items()}
    if not reach or min(reach.values()) == max(reach.values()):
        return None
    least, most = min(reach, key=reach.get), max(reach, key=reach.get)
    return (least, found[least]), (most, found[most])


def chain(ax: Axes, graph: dict, color: str, largest: float = DISC) -> None:
    """Draw the discs of a graph, as the stage that spends most of the FLOPs trains them."""
    stage = max(listed(graph.get("stages")), key=lambda stage: stage.get("weight") or 0.0)
    lit = [share or 0.0 for share in stage.get("lit") or []]
    discs(ax, lit, (stage.get("credit_length") or 0) > 1, color, largest)


def discs(ax: Axes, lit: list[float], through: bool, color: str, largest: float = DISC) -> None:
    """Draw a chain. lit: how far each link is filled, from 0 to 1. through: whether a gradient joins filled links.

    largest: size of a disc, in points, that it has where there is room.
    """
    room = ax.figure.get_figwidth() / 2.6 * 72 / max(len(lit), 4)  # points between discs, of two chains side by side
    size = min(largest, 0.6 * room) ** 2
    theme = style.theme()
    for x in range(len(lit) - 1):
        joined = through and lit[x] > 0 and lit[x + 1] > 0
        ax.plot([x, x + 1], [0, 0], color=color if joined else theme.faint, linewidth=5 if joined else 2, zorder=1)
    for x, share in enumerate(lit):
        ax.scatter([x], [0], s=size, color=theme.paper, zorder=2)
        ax.scatter([x], [0], s=size, color=color, alpha=share, linewidths=0, zorder=3)
        ax.scatter([x], [0], s=size, facecolors="none", edgecolors=theme.muted, linewidths=2, zorder=4)
    ax.set(xlim=(-0.7, max(len(lit), 4) - 0.3), ylim=(-0.6, 0.6))
    ax.axis("off")


def _finding(frames: Frames, found: dict) -> str:
    texts = [
        say(
            "{least} {low} against {most} {high}",
            **{"least": style.label(frames, least), "low": percent(low["coverage"], 0)},
            **{"most": style.label(frames, most), "high": percent(high["coverage"], 0)},
        )
        for (least, low), (most, high) in found.values()
    ]
    return say("Links of the chain that one update trains: {found}", found=say("; ").join(texts))
