"""The inference graph of every variant, evaluation by evaluation, and which of them one update trains."""

from __future__ import annotations

from itertools import groupby

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.report import caption
from benchmarks.report import estimates as stated
from benchmarks.report.figures import style
from benchmarks.report.formats import number, percent
from benchmarks.report.frames.chains import chains
from benchmarks.report.frames.frames import Frames
from benchmarks.report.frames.parts import listed
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import balanced

LEFT, SPAN, COLUMNS = 4.8, 4.3, (10.1, 11.2, 12.3)  # of the discs, and of the numbers right of them
NAME_WIDTH = 26  # letters of a variant's name per line
WIDEST = 1.2  # between discs, where few of them leave room


def draw(frames: Frames) -> Figure | None:
    """One row per stage: discs are evaluations in the order of inference, filled as far as an update trains them."""
    rows = _rows(frames)
    if not rows:
        return None
    fig = style.figure(_finding(frames, rows), estimates=_estimates(frames, rows))
    ax = fig.subplots()
    ax.set(xlim=(0, 12.8), ylim=(len(rows) - 0.4, -1.4))
    ax.axis("off")
    for x, title in zip(COLUMNS, (say("coverage"), say("on-policy\nreach"), say("credit\nlength")), strict=True):
        ax.text(x, -1.0, title, ha="center", va="center", fontsize=style.SMALL)
    gap = min(WIDEST, SPAN / max(max(len(stage.get("lit") or []) for *_, stage in rows) - 1, 1))
    before = None
    for y, (variant, entry, stage) in enumerate(rows):
        look = style.look(frames, variant)
        if variant != before:
            ax.axhline(y - 0.5, color=style.theme().grid, linewidth=1)
            _name(ax, y, style.label(frames, variant), look.color)
        _row(ax, y, look.color, stage, gap, len(listed(entry["stages"])) > 1)
        before = variant
    style.note(
        fig,
        f"Data: {frames.cells.dataset.iloc[0]}. Each disc is one evaluation, in the order of inference: a network "
        "call, a Gibbs sweep or a layer. Fill: share of the training examples for which an update differentiates it. "
        "Ring: on its own inference input, for a loss on the end of the chain. Thick link between discs: the gradient "
        "passes through. %: share of the training FLOPs that the stage spends. A variant that starts from another's "
        "weights shows its own training only. "
        + caption.absent(frames, {variant for variant, *_ in rows}, "no gradient reach measured"),
        caption.origin(frames),
    )
    return fig


def _rows(frames: Frames) -> list[tuple[str, dict, dict]]:
    """(variant, graph, stage) of the first seed of every variant."""
    first = [next(group) for _, group in groupby(chains(frames, "reach"), key=lambda chain: chain.variant)]
    return [
        (chain.variant, entry, stage)
        for chain in first
        for entry in [_shown(chain.quality["reach"])]
        if entry
        for stage in listed(entry.get("stages"))
        if stage.get("coverage")
    ]


def _estimates(frames: Frames, rows: list[tuple[str, dict, dict]]) -> list[str]:
    """The shares of the title over training seeds."""
    seeds: dict[str, list[float]] = {}
    for chain in chains(frames, "reach"):
        if (reached := (_shown(chain.quality["reach"]) or {}).get("on_policy_reach")) is not None:
            seeds.setdefault(chain.variant, []).append(reached)
    return [stated.of_values(style.label(frames, name), seeds[name], stated.shares(0)) for name in _extremes(rows)]


def _shown(reach: dict) -> dict | None:
    """The graph of the record's headline reach."""
    wanted = (reach.get("graph"), reach.get("nfe"))
    graphs = listed(reach.get("graphs"))
    return next((entry for entry in graphs if (entry.get("graph"), entry.get("nfe")) == wanted), None)


def _name(ax: Axes, y: int, label: str, color: str) -> None:
    lines = "\n".join(balanced(label, NAME_WIDTH))
    ax.text(0, y, lines, va="center", fontsize=style.SMALL, fontweight="bold", color=style.ink(color))


def _row(ax: Axes, y: int, color: str, stage: dict, gap: float, several: bool) -> None:
    weight = stage.get("weight")
    label = (stage.get("stage") or "") + (f", {100 * weight:.0f} %" if several and weight is not None else "")
    ax.text(LEFT - 0.25, y, label, ha="right", va="center", fontsize=style.TINY, color=style.theme().muted)
    lit = [share or 0.0 for share in stage.get("lit") or []]
    own = stage.get("own") or [0.0] * len(lit)
    at = [LEFT + 0.1 + gap * index for index in range(len(lit))]
    size = 220 if gap > 0.5 else 220 * (gap / 0.5) ** 2
    passes = (stage.get("credit_length") or 0) > 1
    for index in range(len(lit) - 1):
        through = passes and lit[index] > 0 and lit[index + 1] > 0
        look = {"color": color, "linewidth": 4} if through else {"color": style.theme().faint, "linewidth": 1.2}
        ax.plot(at[index : index + 2], [y, y], zorder=1, **look)
    for x, share, on_policy in zip(at, lit, own, strict=False):
        ax.scatter([x], [y], s=size, color=style.theme().paper, zorder=2)
        ax.scatter([x], [y], s=size, color=color, alpha=share, linewidths=0, zorder=3)
        ax.scatter([x], [y], s=size, facecolors="none", edgecolors=style.theme().muted, zorder=4)
        if (on_policy or 0) > 0.5:
            ax.scatter([x], [y], s=2.1 * size, facecolors="none", edgecolors=style.theme().text, linewidths=2, zorder=4)
    for x, key in zip(COLUMNS, ("coverage", "on_policy_reach", "credit_length"), strict=True):
        ax.text(x, y, number(stage.get(key)), ha="center", va="center", fontsize=style.SMALL)


def _extremes(rows: list[tuple[str, dict, dict]]) -> dict[str, float]:
    """The least and the largest on-policy reach, of generators where there are several; empty where none is known."""
    reach = {variant: entry.get("on_policy_reach") for variant, entry, _ in rows}
    drawn = {variant: reach[variant] for variant, entry, _ in rows if entry.get("graph") == "generation"}
    reach = drawn if len(drawn) > 1 else reach
    known = {variant: value for variant, value in reach.items() if value is not None}
    ends = (min(known, key=known.get), max(known, key=known.get)) if known else ()
    return {variant: known[variant] for variant in ends}


def _finding(frames: Frames, rows: list[tuple[str, dict, dict]]) -> str:
    known = _extremes(rows)
    if not known:
        return say("Which evaluations of the inference chain one update trains")
    least, most = min(known, key=known.get), max(known, key=known.get)
    return say(
        "One update of {most} trains {high} of its inference chain on the inputs of inference, one of {least} {low}",
        **{"most": style.label(frames, most), "high": percent(known[most], 0)},
        **{"least": style.label(frames, least), "low": percent(known[least], 0)},
    )
