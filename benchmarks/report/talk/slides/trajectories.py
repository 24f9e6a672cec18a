"""Sampling trajectories of all generators from the same noise, side by side."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk import animations, layout
from benchmarks.report.talk.parts import Slide
from benchmarks.report.talk.runs import Runs

ORDER = 80
NEEDS = "generators that kept their sampling trajectories"


def slide(runs: Runs) -> Slide | None:
    """The animation, with the finding of the figure of trajectories."""
    drawn = runs.drawn("paths", layout.on_stage(layout.BODY))
    if drawn is None:
        return None
    _, film = animations.film("trajectories", runs, layout.on_stage(layout.BODY), drawn.finding, 1.0)
    speech = (
        say("Three chains per method, unselected, from the same noise. A chain that has ended keeps its sample."),
        say("Methods with few evaluations end early; the others are still between noise and image."),
    )
    return Slide(drawn.finding, (film,), drawn.run, speech, caption=drawn.caption, estimates=drawn.estimates)
