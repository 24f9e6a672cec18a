"""What these runs cannot show."""

from __future__ import annotations

from benchmarks.report.formats import number
from benchmarks.report.languages import say
from benchmarks.report.talk.parts import Slide, Text
from benchmarks.report.talk.runs import Runs

ORDER = 150
NEEDS = "finished runs"


def slide(runs: Runs) -> Slide | None:
    """Sizes of the study in the title; the limits below."""
    flops = [flops for run in runs.runs for flops in run.frames.cells.train_flops.dropna()]
    if not flops:
        return None
    data = say(", ").join(dict.fromkeys(run.dataset for run in runs.runs))
    seeds = [seeds for run in runs.runs for seeds in run.seeds if seeds]
    title = say(
        "Not claimed: anything beyond {flops} training FLOPs, {seeds} seeds and these data sets: {data}",
        **{"flops": number(max(flops)), "seeds": max(seeds), "data": data},
    )
    lines = (
        say("Nothing about large images, large networks or converged models."),
        say("FIDs depend on the scoring network: they do not compare with those of papers."),
        say("Rows with one seed have no interval; no order of theirs is significant."),
        say("Few-step methods with local losses are not refuted: their numbers stand beside the others."),
        say("Learning rates are those of the presets; equal tuning of all methods is not claimed."),
    )
    speech = (
        say("Negative results are part of the result: they are on the slides with the same weight."),
        say("The numbers of the title are counts, which have no interval."),
    )
    return Slide(title, (Text(lines),), runs.runs[0], speech)
