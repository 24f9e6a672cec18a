"""What one update sees: gradient reach."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Picture, Slide
from benchmarks.report.talk.runs import Runs

ORDER = 110
NEEDS = "gradient reach of some variant"


def slide(runs: Runs) -> Slide | None:
    """The figure with its finding."""
    drawn = runs.drawn("reach", layout.on_stage(layout.BODY))
    if drawn is None:
        return None
    speech = (
        say("Each disc is one evaluation of the inference chain; filled discs are trained by one update."),
        say("On-policy reach counts a link only where it is trained on the input that it has at inference."),
    )
    picture = Picture(drawn.name, drawn.figure, drawn.finding)
    return Slide(drawn.finding, (picture,), drawn.run, speech, caption=drawn.caption)
