"""Local pre-training, then one loss, as in 2006: what it adds."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Slide, of_figure
from benchmarks.report.talk.runs import Runs

ORDER = 130
NEEDS = "declared pairs of a variant and the one that it starts from"


def slide(runs: Runs) -> Slide | None:
    """The figure with its finding."""
    drawn = runs.drawn("after_pretraining", layout.on_stage(layout.BODY))
    if drawn is None:
        return None
    speech = (
        say("This is 2006 again: local pre-training first, then one loss through the chain."),
        say("An order is settled only where both scoring networks agree after correction for all pairs."),
    )
    return of_figure(drawn, speech)
