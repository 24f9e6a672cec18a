"""The layer-wise half: accuracy of recognisers trained layer by layer and by one loss."""

from __future__ import annotations

from pandas import DataFrame

from benchmarks.report import estimates as stated
from benchmarks.report.figures import style
from benchmarks.report.formats import count, number, percent
from benchmarks.report.frames.intervals import half_shown
from benchmarks.report.languages import say
from benchmarks.report.talk import animations, layout
from benchmarks.report.talk.parts import CellRows, Slide
from benchmarks.report.talk.runs import Runs, SlideRun

ORDER = 30
NEEDS = "at least two recognisers with an accuracy"
MOST = 6  # rows that are readable from the back


def slide(runs: Runs) -> Slide | None:
    """A table of accuracies, and the training of the deep belief network stage by stage where it was recorded."""
    ranked = runs.ranked(lambda run: len(_accurate(run)) > 1)
    if not ranked:
        return None
    run = ranked[0]
    table = _accurate(run)
    first, last = table.iloc[0], table.iloc[-1]
    title = say(
        "Test accuracy: {best} {high}; {worst} {low}",
        **{"best": _name(run, first), "high": _accuracy(first), "worst": _name(run, last), "low": _accuracy(last)},
    )
    header = (say("method"), say("test accuracy"), say("training FLOPs"))
    cells = tuple((_name(run, row), _accuracy(row), number(row.train_flops)) for _, row in table[:MOST].iterrows())
    split = min(0.6, (len(cells) + 1) * 0.45 / layout.BODY.height)
    _, below = layout.halves(split, beside=False)
    alt = say(
        "Layers and loss of every training stage of a deep belief network, stage after stage; at the end its accuracy."
    )
    moving = animations.film("dbn_training", runs, layout.on_stage(below), alt, 0.4)
    speech = (
        say("Higher is better; ± is half of the 95 % interval over training seeds."),
        *_resolution(run),
        *([say("The animation shows what was recorded: the layers that a stage trains, and its loss.")] * bool(moving)),
    )
    parts = (CellRows(header, cells), *([moving[1]] if moving else []))
    estimates = tuple(
        stated.of_mean(_name(run, row), row.accuracy, _half(row), row.n_seeds, stated.shares(1))
        for _, row in table[:MOST].iterrows()
    )
    return Slide(title, parts, run, speech, split=split, beside=False, estimates=estimates)


def _accurate(run: SlideRun) -> DataFrame:
    """The recognisers outside of series, the most accurate first."""
    series = set(run.frames.cells.variant[run.frames.cells.series.notna()])
    table = run.table.dropna(subset="accuracy").drop_duplicates("variant")
    return table[~table.variant.isin(series)].sort_values("accuracy", ascending=False)


def _resolution(run: SlideRun) -> list[str]:
    """How much of the accuracy one test image is."""
    tested = run.frames.cells.n_test.min()
    if tested != tested:
        return []
    share = percent(1 / tested, 2)
    return [say("All are tested on the same {n} images: one image is {share}.", n=count(tested), share=share)]


def _name(run: SlideRun, row) -> str:
    return style.label(run.frames, row.variant)


def _accuracy(row) -> str:
    return percent(row.accuracy, 1, _half(row))


def _half(row) -> float:
    return half_shown(row.accuracy, row.accuracy_ci_low, row.accuracy_ci_high)
