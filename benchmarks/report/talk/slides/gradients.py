"""Why depth was hard: the gradient that reaches each layer at the start of training."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Slide, of_figure
from benchmarks.report.talk.runs import Runs
from benchmarks.report.talk.slides.depth import n_depths

ORDER = 50
NEEDS = "a depth study with gradient norms of every layer"


def slide(runs: Runs) -> Slide | None:
    """The figure of the data set with the most depths."""
    drawn = runs.drawn("depth_gradients", layout.on_stage(layout.BODY), value=n_depths)
    if drawn is None:
        return None
    speech = (
        say("The lowest layer is at the right: the gradient passes all the others before it arrives there."),
        say("Where it vanishes, one loss through all layers cannot train the lower ones."),
    )
    return of_figure(drawn, speech)
