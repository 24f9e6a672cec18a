"""The question, and the first answer of this run in a number."""

from __future__ import annotations

from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import Slide, Text
from benchmarks.report.talk.runs import Runs

ORDER = 10
NEEDS = "generators or recognisers with scores"
FIRST = ("after_pretraining", "fid_vs_nfe", "depth", "two_eras")  # whose finding opens the talk, if it can be drawn


def slide(runs: Runs) -> Slide | None:
    """The finding of the first figure that can be drawn, and what the talk asks."""
    size = layout.on_stage(layout.BODY)
    drawn = next((figure for name in FIRST if (figure := runs.drawn(name, size))), None)
    if drawn is None:
        return None
    data = say(", ").join(dict.fromkeys(run.dataset for run in runs.runs))
    lines = (
        say("Are generative models still before their AlexNet?"),
        say(
            "Before 2012, deep recognisers were trained layer by layer, each layer on a local loss. AlexNet trained "
            "one graph with one loss."
        ),
        say(
            "Kaiming He has pointed out that diffusion models are again trained step by step, while sampling runs the "
            "whole chain."
        ),
        say("Here both ways of training get the same data and the same training FLOPs: {data}.", data=data),
        say(
            "FID: distance from held-out images, lower is better. NFE: network evaluations per sample. A 4-step chain: "
            "four sampling steps, trained by one loss."
        ),
    )
    speech = (
        say("The question is Kaiming He's. The talk answers it with measurements and ends with what they cannot show."),
    )
    return Slide(drawn.finding, (Text(lines),), drawn.run, speech, caption=drawn.caption, estimates=drawn.estimates)
