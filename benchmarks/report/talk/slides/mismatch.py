"""What local training costs at inference: errors that accumulate along the chain."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Slide, of_figure
from benchmarks.report.talk.runs import Runs

ORDER = 120
NEEDS = "a diagnosis of the train/inference mismatch"


def slide(runs: Runs) -> Slide | None:
    """The figure with its finding."""
    drawn = runs.drawn("mismatch", layout.on_stage(layout.BODY))
    if drawn is None:
        return None
    speech = (
        say("A chain whose links are trained alone gets inputs at inference that it never had in training."),
        say("The errors of its links may add up; one loss through the chain sees the accumulated error."),
    )
    return of_figure(drawn, speech)
