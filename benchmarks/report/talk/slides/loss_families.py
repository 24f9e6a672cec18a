"""The answer: every generator at few evaluations, one loss through the chain against local losses."""

from __future__ import annotations

from benchmarks.report.frames.loss_families import loss_families
from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Slide, of_figure
from benchmarks.report.talk.runs import Runs, SlideRun

ORDER = 145
NEEDS = "generators of both kinds of losses with the same training FLOPs"


def slide(runs: Runs) -> Slide | None:
    """The figure of the run with the most paradigms, with its finding."""
    drawn = runs.drawn("loss_families", layout.on_stage(layout.BODY), value=n_paradigms)
    if drawn is None:
        return None
    speech = (
        say("Above: one loss through the chain. Below: local losses. All methods have the same training FLOPs."),
        say(
            "Filled: the lowest mean of its family. Paired ratios in the tables test which differences are significant."
        ),
    )
    return of_figure(drawn, speech)


def n_paradigms(run: SlideRun) -> float:
    """Paradigms in the figure, and a little more, so that a run without any comes last."""
    shown = run.frames.cells.variant.isin(loss_families(run.frames).variant)
    return 0.1 + run.frames.cells.paradigm[shown].nunique()
