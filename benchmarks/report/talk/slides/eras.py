"""Two eras twice: what one update trains under local losses and under one loss."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Slide, of_figure
from benchmarks.report.talk.runs import Runs

ORDER = 20
NEEDS = "gradient reach of at least two recognisers or generators"


def slide(runs: Runs) -> Slide | None:
    """The picture of the chains with the least and the most reach."""
    drawn = runs.drawn("two_eras", layout.on_stage(layout.BODY))
    if drawn is None:
        return None
    speech = (
        say("Each disc is a layer of a recogniser or a step of a sampler; filled discs are trained by one update."),
        say("Recognition went from local losses to one loss in 2012. Diffusion is trained by local losses today."),
    )
    return of_figure(drawn, speech)
