"""What one update sees: the links of a chain light up, update by update."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk import animations, layout
from benchmarks.report.talk.parts import Slide
from benchmarks.report.talk.runs import Runs

ORDER = 110
NEEDS = "gradient reach of at least two recognisers or generators"


def slide(runs: Runs) -> Slide | None:
    """The animation, with the finding of the figure of reach."""
    size = layout.on_stage(layout.BODY)
    drawn = runs.drawn("reach", size)
    moving = say("Update by update: local losses light one link of a chain at a time, one loss lights all of them.")
    film = animations.film("reach_lighting", runs, size, moving, 0.9)
    if drawn is None or film is None:
        return None
    speech = (
        say("The animation lights what was recorded: a local update one link, one loss all links from the end on."),
        say("On-policy reach counts a link only where it is trained on the input that it has at inference."),
    )
    return Slide(drawn.finding, (film[1],), film[0], speech, caption=drawn.caption, estimates=drawn.estimates)
