"""What pre-training was needed for: test error against depth."""

from __future__ import annotations

from benchmarks.report.frames.depth import depth
from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Slide, of_figure
from benchmarks.report.talk.runs import Runs, SlideRun

ORDER = 40
NEEDS = "a depth study: variants that share a series, with several numbers of hidden layers"


def slide(runs: Runs) -> Slide | None:
    """The figure of the data set with the most depths."""
    drawn = runs.drawn("depth", layout.on_stage(layout.BODY), value=n_depths)
    if drawn is None:
        return None
    speech = (
        say("A line that rises to the right fails with depth; compare pre-trained networks with the others there."),
        say("All networks of one depth have the same training FLOPs, pre-training included."),
    )
    return of_figure(drawn, speech)


def n_depths(run: SlideRun) -> float:
    """Points of a depth study, and a little more, so that a run without any comes last."""
    return 0.1 + len(depth(run.frames))
