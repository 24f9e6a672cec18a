"""The legend of a run: its series with their looks, which switches them on and off in all charts of the run."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks.report.frames import lengths
from benchmarks.report.frames.frames import Frames
from benchmarks.report.page.looks import SeriesLook, drawn, swatch
from benchmarks.report.page.run import MOST, Run


class Series(NamedTuple):
    """A series of the charts: its id, title and look; whether it is on at first. path: its marker as an SVG path."""

    name: str
    title: str
    look: SeriesLook
    path: str
    on: bool


def names(frames: Frames) -> list[str]:
    """The series of charts: variants, and the names of series of variants in place of their points."""
    cells = frames.cells
    plain = frames.ordered(cells.variant[cells.series.isna()])
    return [*plain, *sorted(set(cells.series.dropna()))]


def series(run: Run) -> list[Series]:
    """The legend of a run. Of more than MOST series only the main ones are on at first."""
    found = names(run.frames)
    main = set(found)
    if len(found) > MOST:
        main = {name for dataset in run.frames.datasets for name in _main(run.frames.of(dataset))} or main
    looks = {name: drawn(run.frames, name) for name in found}
    return [Series(name, run.titles.get(name, name), looks[name], swatch(looks[name]), name in main) for name in found]


def _main(frames: Frames) -> list[str]:
    plain = frames.without_series()
    recognition = [*plain.cells.variant[plain.cells.task == "recognition"].unique()]
    found = lengths.entries(plain.only(set(plain.cells.variant) - {*recognition}))
    return [*recognition, *lengths.main(found, MOST - len(recognition)), *frames.cells.series.dropna().unique()]
