"""FID ratio against the number of steps that one loss passes through."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Slide, of_figure
from benchmarks.report.talk.runs import Runs

ORDER = 90
NEEDS = "chains of several lengths, trained with one loss"


def slide(runs: Runs) -> Slide | None:
    """The figure with its finding."""
    drawn = runs.drawn("chain_length", layout.on_stage(layout.BODY))
    if drawn is None:
        return None
    speech = (
        say("At equal training FLOPs a longer chain gets fewer updates, since each of them costs more."),
        say("Chains are shown with as many evaluations as they were trained for, other methods with every number."),
    )
    return of_figure(drawn, speech)
