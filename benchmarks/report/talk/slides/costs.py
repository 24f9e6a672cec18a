"""What training and sampling cost, as a table that can be edited."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
from pandas import Series

from benchmarks.report import estimates as stated
from benchmarks.report import figures
from benchmarks.report.figures import cost_bars, style
from benchmarks.report.formats import DASH, number, plus_minus
from benchmarks.report.frames import choice
from benchmarks.report.languages import say
from benchmarks.report.talk import layout
from benchmarks.report.talk.parts import CellRows, Slide
from benchmarks.report.talk.runs import Runs, SlideRun

ORDER = 140
NEEDS = "timing cells"
MOST = 8  # rows that are readable from the back


def slide(runs: Runs) -> Slide | None:
    """One row per variant: training speed and memory, and sampling at its best NFE."""
    drawn = runs.drawn("cost_bars", layout.on_stage(layout.BODY))
    if drawn is None:
        return None
    run = drawn.run
    table = run.table.dropna(subset="train_images_per_second")
    shown = figures.shown(cost_bars.__name__.rpartition(".")[2], run.frames)
    names = [name for name in shown.ordered(table.variant)][:MOST]
    header = (say("method"), say("training, images / s"), say("training, MiB"), say("sampling, ms / image"))
    cells = tuple(_row(run, name, table[table.variant == name]) for name in names)
    speech = (
        say("More images per second, less memory and less time are better."),
        say("Sampling is at each method's best number of evaluations, which stands beside it."),
    )
    timed = tuple(line for name in names for line in _over_launches(run, name, table[table.variant == name]))
    return Slide(drawn.finding, (CellRows(header, cells),), run, speech, caption=drawn.caption, estimates=timed)


def _row(run: SlideRun, name: str, rows: pd.DataFrame) -> tuple[str, ...]:
    first, best = rows.iloc[0], choice.best(rows)
    mib = number(first.peak_train_bytes / 2**20)
    return style.label(run.frames, name), number(first.train_images_per_second), mib, _sampling(best)


def _over_launches(run: SlideRun, name: str, rows: pd.DataFrame) -> Iterator[str]:
    """The times of a row of the table with their intervals."""
    cells, timing = run.frames.cells, run.frames.timing
    speeds = cells.train_images_per_second[cells.variant.eq(name) & cells.kind.eq("timing") & cells.status.eq("done")]
    label, best = style.label(run.frames, name), choice.best(rows)
    yield stated.of_values(say("{name}, training, images / s", name=label), speeds, plus_minus, stated.launches)
    if best is None or pd.isna(best.sample_ms_per_image):
        return
    at = timing.variant.eq(name) & timing.sampler.eq(best.sampler) & timing.nfe.eq(best.nfe)
    what = say("{name}, sampling with {nfe} NFE, ms / image", name=label, nfe=f"{best.nfe:g}")
    yield stated.of_values(what, timing.sample_ms_per_image[at], plus_minus, stated.launches)


def _sampling(best: Series | None) -> str:
    if best is None or pd.isna(best.sample_ms_per_image):
        return DASH
    return say("{ms} with {nfe} NFE", ms=number(best.sample_ms_per_image), nfe=f"{best.nfe:g}")
