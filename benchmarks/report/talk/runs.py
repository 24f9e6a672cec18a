"""The runs that a talk is about: the frames of one data set of one results folder each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from matplotlib.figure import Figure
from pandas import DataFrame

from benchmarks.report import estimates, figures
from benchmarks.report.figures import style
from benchmarks.report.frames import Frames, read
from benchmarks.report.frames.comparison import comparison
from benchmarks.report.languages import language, say, speaking


@dataclass(frozen=True)
class SlideRun:
    """Records of one data set. folder: as the user gave it."""

    folder: Path
    frames: Frames

    @cached_property
    def table(self) -> DataFrame:
        """The comparison, one row per variant, sampler and NFE."""
        return comparison(self.frames)

    @property
    def dataset(self) -> str:
        """Name of the data set."""
        return self.frames.cells.dataset.iloc[0]

    @property
    def commits(self) -> str:
        """Commits of the code that made the records."""
        return ", ".join(sorted(set(self.frames.cells.commit)))

    @property
    def machine(self) -> str:
        """Hardware that made the records."""
        return ", ".join(sorted(set(self.frames.cells.machine)))

    @property
    def command(self) -> str:
        """The command that makes such records."""
        presets = sorted(set(self.frames.cells.preset.dropna()) - {"peer"}) or ["PRESET"]
        return f"python -m benchmarks run {presets[0]} --seeds {self.seeds[1]}"

    @property
    def seeds(self) -> tuple[int, int]:
        """The least and the largest number of training seeds of a variant."""
        done = self.frames.cells[self.frames.cells.kind.eq("quality") & self.frames.cells.status.eq("done")]
        counts = done.groupby("variant").repetition.nunique()
        return (int(counts.min()), int(counts.max())) if len(counts) else (0, 0)

    @property
    def n(self) -> str:
        """The number of training seeds, in words."""
        least, most = self.seeds
        if least == most:
            return estimates.seeds(most)
        return say("{least} to {most} training seeds", least=least, most=most)


@dataclass(frozen=True)
class SpokenFigure:
    """A figure for a slide. finding, caption: what it shows, and how it is read, in the talk's language. estimates: the
    numbers of the finding with their intervals."""

    run: SlideRun
    name: str
    figure: Figure
    finding: str
    caption: str
    estimates: tuple[str, ...]


@dataclass(frozen=True)
class Runs:
    """The runs in the order in which the user named them; a slide is about the first that has its data.

    figures_in: language of the figures' letters, which is English where no font has those of the talk's language.
    """

    runs: tuple[SlideRun, ...]
    figures_in: str

    @classmethod
    def of(cls, folders: Iterable[Path], figures_in: str) -> Runs:
        """The runs of results folders, one per data set. Raises BadInput where a folder has no records."""
        found = []
        for folder in map(Path, folders):
            frames = read(folder)
            found += [SlideRun(folder, frames.of(dataset)) for dataset in frames.datasets]
        return cls(tuple(found), figures_in)

    def ranked(self, value: Callable[[SlideRun], float]) -> list[SlideRun]:
        """The runs with a positive value, the largest first; of equal ones in the order of the user."""
        values = {id(run): value(run) for run in self.runs}
        return sorted((run for run in self.runs if values[id(run)] > 0), key=lambda run: -values[id(run)])

    def drawn(
        self, name: str, size: tuple[float, float], value: Callable[[SlideRun], float] | None = None
    ) -> SpokenFigure | None:
        """A figure for a place of this size, in inches, of the first run that it can be drawn of.

        name: of the figure. value: of several runs, the one with the largest value is first.
        """
        for run in self.ranked(value or (lambda run: 1)):
            with style.staged(size):
                spoken = figures.drawn(name, run.frames)
                if spoken is None:
                    continue
                figure = spoken
                if self.figures_in != language():
                    with speaking(self.figures_in):
                        figure = figures.drawn(name, run.frames)
            finding, caption = spoken.get_suptitle(), " ".join(spoken.get_supxlabel().split())
            return SpokenFigure(run, name, figure, finding, caption, getattr(spoken, "estimates", ()))
        return None
