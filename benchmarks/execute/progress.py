"""Shows on standard error how far a run is: a live display on a terminal, plain lines elsewhere.

The estimate is the wall-clock time to the end of the run, as the sum over unfinished cells of their remaining seconds,
divided by the number of cells at a time. The expected duration of a running cell is its duration so far over the
fraction that its worker reports, once that exceeds 2 %. Before that, and for a waiting cell, it is the mean duration of
the ended cells of the same kind and variant, else of the same kind. Cells of a kind of which none has ended or reported
count as 0 s, and timing cells run one at a time but are divided as well, so the estimate is low early in a run.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from statistics import mean

from rich.console import Console
from rich.live import Live
from rich.table import Table

from benchmarks.execute.local import RunningCell
from benchmarks.plan.cell import Cell

REFRESH_SECONDS = 0.5
LINE_SECONDS = 30.0
MIN_FRACTION = 0.02  # below it, the duration so far is mostly start-up


class Progress:
    """Prints each cell's end, and the state of the running cells with an estimate of the remaining time.

    todo: cells that will run.
    n_cells: number of these and of the cells already done.
    jobs: cells that train or score at a time.
    console: where to print; None for standard error.
    """

    def __init__(self, todo: Sequence[Cell], n_cells: int, jobs: int, console: Console | None = None):
        self.waiting, self.n_cells, self.jobs = list(todo), n_cells, jobs
        self.console = console or Console(stderr=True, highlight=False, soft_wrap=True)
        self.live = Live(console=self.console, auto_refresh=False, transient=True) if self.console.is_terminal else None
        self.last = time.monotonic()
        self.seconds: dict[tuple[str, str], list[float]] = defaultdict(list)

    def __enter__(self) -> Progress:
        done = self.n_cells - len(self.waiting)
        already = f", {done} already done" if done else ""
        self.console.print(f"{self.n_cells} cells{already}; {self.jobs} at a time")
        if self.live:
            self.live.start()
        return self

    def __exit__(self, *_) -> None:
        if self.live:
            self.live.stop()

    def finished(self, job: RunningCell, record: dict) -> None:
        """Print the status and duration of a cell that has ended."""
        self.waiting.remove(job.cell)
        self.seconds[job.cell.kind, job.cell.variant].append(job.seconds)
        count = f"[{self.n_cells - len(self.waiting)}/{self.n_cells}]"
        reason = f": {record['reason']}" if record.get("reason") else ""
        line = f"{count} {record['status']} {job.cell.place} {job.seconds:.0f} s{reason}"
        self.console.print(line, markup=False)

    def tick(self, jobs: Sequence[RunningCell]) -> None:
        """Show the running cells: twice a second on a terminal, else one line per cell every 30 s."""
        if time.monotonic() - self.last < (REFRESH_SECONDS if self.live else LINE_SECONDS):
            return
        self.last = time.monotonic()
        left = self.remaining_seconds(jobs)
        estimate = f"about {_duration(left)} left" if left is not None else "estimating"
        if self.live:
            self.live.update(_table(jobs, estimate), refresh=True)
        else:
            for job in jobs:
                self.console.print(f"  {_state(job)}; {estimate}", markup=False)

    def remaining_seconds(self, jobs: Sequence[RunningCell]) -> float | None:
        """Expected seconds to the end of the run, as the module's docstring says; None while no cell has an estimate.

        jobs: the running cells.
        """
        ahead = {cell.place: self._expected(cell) for cell in self.waiting}
        for job in jobs:
            place, fraction = job.cell.place, job.progress().get("fraction", 0)
            whole = job.seconds / fraction if fraction > MIN_FRACTION else ahead[place]
            ahead[place] = None if whole is None else max(whole - job.seconds, 0)
        known = [seconds for seconds in ahead.values() if seconds is not None]
        return sum(known) / self.jobs if known else None

    def _expected(self, cell: Cell) -> float | None:
        same = self.seconds.get((cell.kind, cell.variant))
        kind = [value for (kind, _), values in self.seconds.items() if kind == cell.kind for value in values]
        return mean(same or kind) if same or kind else None


def _state(job: RunningCell) -> str:
    report = job.progress()
    return f"{job.cell.place} {report.get('phase', 'starting')} {report.get('fraction', 0):.0%} {job.seconds:.0f} s"


def _table(jobs: Sequence[RunningCell], estimate: str) -> Table:
    table = Table.grid(padding=(0, 2))
    for job in jobs:
        table.add_row(_state(job))
    table.add_row(estimate)
    return table


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
