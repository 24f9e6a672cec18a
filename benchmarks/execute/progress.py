"""Shows on standard error how far a run is: a live display on a terminal, plain lines elsewhere.

The estimate is the wall-clock time to the end of the run, as if every cell started as soon as it could (`schedule`). A
cell is expected to take as long as those of its variant that have ended; a running one needs the share of this that is
left by the fraction that its worker reports, and by the share that training had in the cell that ended. Where none of a
variant has ended, a cell that trains is expected to take its duration so far over the reported fraction, once that
exceeds 10 %, and any other cell what follows from the cells of other variants. Until one of its kind has ended, a cell
that trains counts as 0 s, so the estimate is low at first; a timing cell counts by the settings of its preset.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.execute.engines import Running
from benchmarks.execute.schedule import Durations, makespan, timing_seconds
from benchmarks.plan.cell import Cell

if TYPE_CHECKING:  # imported where something is shown, since every command imports this module
    from rich.console import Console
    from rich.table import Table

REFRESH_SECONDS = 0.5
LINE_SECONDS = 30.0
FIRST_LINE_SECONDS = 5.0  # of a preparation, which usually ends before
MIN_FRACTION = 0.1  # below it, the duration so far is mostly start-up


def _console() -> Console:
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


class Preparation:
    """Says what a run prepares before its first cell, where that takes more than a few seconds.

    what: in words.
    console: where to print; None for standard error.
    """

    def __init__(self, what: str, console: Console | None = None):
        self.what, self.console = what, console or _console()
        self.began, self.due = time.monotonic(), FIRST_LINE_SECONDS

    def __call__(self) -> None:
        """Print a line when one is due."""
        seconds = time.monotonic() - self.began
        if seconds > self.due:
            self.due = seconds + LINE_SECONDS
            self.console.print(f"{self.what}, {seconds:.0f} s so far", markup=False)


class Progress:
    """Prints each cell's end, and the state of the running cells with an estimate of the remaining time.

    todo: cells that will run.
    n_cells: number of these and of the cells already done.
    jobs: cells that train or score at a time.
    where: what runs them, in words.
    console: where to print; None for standard error.
    durations: of cells that earlier runs have finished; those of this run are added to them. None for none.
    """

    def __init__(
        self,
        todo: Sequence[Cell],
        n_cells: int,
        jobs: int,
        where: str = "",
        console: Console | None = None,
        durations: Durations | None = None,
    ):
        from rich.live import Live

        self.waiting, self.n_cells, self.jobs, self.where = list(todo), n_cells, jobs, where
        self.console = console or _console()
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if self.console.is_terminal else None
        self.last = time.monotonic()
        self.durations = durations or Durations()
        self.training_shares: dict[tuple[str, str], float] = {}  # of the duration of an ended cell, by kind and variant

    def __enter__(self) -> Progress:
        done = self.n_cells - len(self.waiting)
        already = f", {done} already done" if done else ""
        self.console.print(f"{self.n_cells} cells{already}; {self.jobs} at a time{self.where}")
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_) -> None:
        if self.live:
            self.live.stop()

    def finished(self, cell: Cell, record: dict, seconds: float) -> None:
        """Print the status and duration of a cell that has ended."""
        self.waiting.remove(cell)
        self.durations.add(cell, seconds)
        trained = 0.0 if record.get("rescored") else (record.get("training") or {}).get("seconds")
        if trained is not None and seconds:
            self.training_shares[cell.kind, cell.variant] = min(1.0, trained / seconds)
        count = f"[{self.n_cells - len(self.waiting)}/{self.n_cells}]"
        reason = f": {record['reason']}" if record.get("reason") else ""
        line = f"{count} {record['status']} {cell.place} {seconds:.0f} s{reason}"
        self.console.print(line, markup=False)

    def tick(self, running: Sequence[Running], waits: Sequence[str]) -> None:
        """Show the running cells: twice a second on a terminal, else one line per cell every 30 s."""
        if time.monotonic() - self.last < (REFRESH_SECONDS if self.live else LINE_SECONDS):
            return
        self.last = time.monotonic()
        left = self.remaining_seconds(running)
        estimate = f"about {_duration(left)} left" if left is not None else "estimating"
        lines = [_state(job) for job in running] + [f"waits for {what}" for what in waits[:3]]
        if len(waits) > 3:
            lines.append(f"waits for {len(waits) - 3} more")
        if self.live:
            self.live.update(_table([*lines, estimate]), refresh=True)
        else:
            for line in lines:
                self.console.print(f"  {line}; {estimate}", markup=False)

    def remaining_seconds(self, running: Sequence[Running]) -> float | None:
        """Expected seconds to the end of the run, as the module's docstring says; None while no cell has an estimate.

        running: the running cells.
        """
        left, known = {}, False
        for job in running:
            seconds = self._left_of(job)
            known |= seconds is not None
            left[job.cell.trained_stem] = max(0.0, seconds or 0.0)
        places = {job.cell.place for job in running}
        waiting = [cell for cell in self.waiting if cell.place not in places]
        known |= any(self.durations.expected(cell) is not None for cell in waiting)
        return makespan(self.jobs, left, waiting, self.durations) if known else None

    def _left_of(self, job: Running) -> float | None:
        """Expected seconds to the end of a running cell; None where nothing is known."""
        report, expected = job.progress(), self.durations.expected(job.cell)
        phase, fraction = report.get("phase"), report.get("fraction", 0)
        if not self.durations.has_ended(job.cell):
            if phase == "training" and fraction > MIN_FRACTION:
                expected = job.seconds / fraction
            elif expected is None and job.cell.kind == "timing":
                expected = timing_seconds(job.cell)
        elif (share := self.training_shares.get((job.cell.kind, job.cell.variant))) is not None:
            ended = {"training": share * fraction, "scoring": share + (1 - share) * fraction}
            return expected * (1 - ended.get(phase, 0.0))
        return None if expected is None else expected - job.seconds


def _state(job: Running) -> str:
    report = job.progress()
    return f"{job.cell.place} {report.get('phase', 'starting')} {report.get('fraction', 0):.0%} {job.seconds:.0f} s"


def _table(lines: Sequence[str]) -> Table:
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    for line in lines:
        table.add_row(line)
    return table


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
