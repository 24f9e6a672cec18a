"""What single changes of a chain do."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Slide, of_figure
from benchmarks.report.talk.runs import Runs

ORDER = 100
SPARE = True
NEEDS = "at least four variants that differ in one option"


def slide(runs: Runs) -> Slide | None:
    """The figure with its finding."""
    drawn = runs.drawn("one_change", layout.on_stage(layout.BODY))
    if drawn is None:
        return None
    speech = (
        say("Every line changes one thing and keeps the training FLOPs."),
        say("Only an interval that stays clear of the grey band suggests a difference from the unchanged method."),
    )
    return of_figure(drawn, speech)
