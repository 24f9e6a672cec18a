"""Which links of a chain one update trains: local losses light one link at a time, one loss lights the whole chain."""

from __future__ import annotations

from matplotlib.figure import Figure

from benchmarks.report import figures
from benchmarks.report.figures import style, two_eras
from benchmarks.report.frames.parts import listed
from benchmarks.report.languages import say
from benchmarks.report.languages.wrapping import balanced
from benchmarks.report.talk.runs import Runs, SlideRun

NAME_WIDTH = 30  # letters of a line of a variant's name
Lit = tuple[list[float], bool]  # how far each link is filled, and whether a gradient joins them


def states(runs: Runs, size: tuple[float, float]) -> tuple[SlideRun, list[Figure]] | None:
    """One figure per update; every chain ends with its last one."""
    for run in runs.runs:
        frames = figures.shown("two_eras", run.frames)
        found = [two_eras.extremes(frames, task) for task in ("recognition", "generation")]
        chains = [chain for ends in found if ends for chain in ends]
        if chains:
            moments = [_moments(graph) for _, graph in chains]
            n = max(map(len, moments))
            pairs = list(zip([variant for variant, _ in chains], moments, strict=True))
            at = [[(name, lit[step * len(lit) // n]) for name, lit in pairs] for step in range(n)]
            return run, [_state(frames, moment) for moment in at]
    return None


def _moments(graph: dict) -> list[Lit]:
    """The recorded stages of training in order: a local one lights its links in turn, one loss from the end on."""
    moments: list[Lit] = []
    for stage in listed(graph.get("stages")):
        lit = [1.0 if share else 0.0 for share in stage.get("lit") or []]
        trained = [index for index, share in enumerate(lit) if share]
        if (stage.get("credit_length") or 0) > 1:
            for start in trained[::-1]:
                moments.append(([share * (index >= start) for index, share in enumerate(lit)], True))
        else:
            moments += [([float(index == one) for index in range(len(lit))], False) for one in trained]
    return moments


def _state(frames, chains: list[tuple[str, Lit]]) -> Figure:
    fig = style.figure()
    axes = fig.subplots(-(-len(chains) // 2), 2, squeeze=False)
    for ax, (variant, (lit, through)) in zip(axes.flat, chains, strict=True):
        color = style.look(frames, variant).color
        two_eras.discs(ax, lit, through, color)
        name = "\n".join(balanced(style.label(frames, variant), NAME_WIDTH))
        ax.set_title(name, fontsize=style.SMALL, color=style.ink(color))
    axes[-1][0].text(0, -0.55, say("each frame: one update"), fontsize=style.SMALL, color=style.theme().muted)
    return fig
