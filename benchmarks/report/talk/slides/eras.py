"""Two eras twice: what one update trains under local losses and under one loss."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk import animations, layout
from benchmarks.report.talk.parts import Picture, Slide
from benchmarks.report.talk.runs import Runs

ORDER = 20
NEEDS = "gradient reach of at least two recognisers or generators"


def slide(runs: Runs) -> Slide | None:
    """The picture of the four chains above, and below it the same chains update by update."""
    above, below = layout.halves(0.5, beside=True)
    drawn = runs.drawn("two_eras", layout.on_stage(above))
    if drawn is None:
        return None
    moving = say("The same chains, update by update: local losses light one link at a time, one loss lights them all.")
    _, film = animations.film("reach_lighting", runs, layout.on_stage(below), f"{moving} {drawn.finding}", 0.9)
    speech = (
        say(
            "Each disc is a layer of a recogniser, or a step of a sampler. Filled discs are those that one update trains."
        ),
        say(
            "Recognition left the upper left picture for the upper right one in 2012. Diffusion is in the lower left one "
            "today."
        ),
        say(
            "The animation lights what was recorded: a local update one link, one loss all links from the end backwards."
        ),
    )
    picture = Picture(drawn.name, drawn.figure, drawn.finding)
    return Slide(drawn.finding, (picture, film), drawn.run, speech, caption=drawn.caption)
