"""The per-step half: FID against evaluations, below the chain as a local loss lights it and as one loss does."""

from __future__ import annotations

from matplotlib.figure import Figure

from benchmarks.report import figures
from benchmarks.report.figures import style, two_eras
from benchmarks.report.languages import say, speaking
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Slide, SlideFigure
from benchmarks.report.talk.runs import Runs, SlideRun

ORDER = 60
NEEDS = "generators with FIDs"


def slide(runs: Runs) -> Slide | None:
    """The figure, and above it two chains of the same run, if their reach was measured."""
    chains, place = layout.halves(0.17, beside=False)
    drawn = runs.drawn("fid_vs_nfe", layout.on_stage(place))
    if drawn is None:
        return None
    lit = _lit(runs, drawn.run, layout.on_stage(chains))
    drawn = drawn if lit else runs.drawn("fid_vs_nfe", layout.on_stage(layout.BODY))
    alt = say("Above: the chain as a local loss trains it, one link per update, and as one loss trains it, all links.")
    above = (SlideFigure("chains_lit", lit, alt),) if lit else ()
    speech = (
        say("An FID ratio of 1 is as close to held-out images as real training images are. Lower is better."),
        say("Compare the methods at the left, with few evaluations, and at the right, with many."),
        say("Bands are one standard deviation over training seeds; the tables test which orders are significant."),
    )
    parts = (*above, SlideFigure(drawn.name, drawn.figure, drawn.finding))
    notes = {"caption": drawn.caption, "estimates": drawn.estimates}
    return Slide(drawn.finding, parts, drawn.run, speech, split=0.17, beside=False, **notes)


def _lit(runs: Runs, run: SlideRun, size: tuple[float, float]) -> Figure | None:
    """The chain of the generator with the least reach and of that with the most, in one row."""
    frames = figures.shown("two_eras", run.frames)
    ends = two_eras.extremes(frames, "generation")
    if ends is None:
        return None
    with style.staged(size), speaking(runs.figures_in):
        fig = style.figure()
        for ax, (variant, graph) in zip(fig.subplots(1, 2), ends, strict=True):
            color = style.look(frames, variant).color
            two_eras.chain(ax, graph, color, largest=14)
            ax.set_title(style.label(frames, variant), fontsize=style.SMALL, color=style.ink(color))
    return fig
