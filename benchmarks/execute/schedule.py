"""In which order cells run, and how long they will take: by the durations of cells that have ended.

The first seed of all variants comes first, so that there is a table early. Within a seed the cell comes first whose own
duration and that of the cells that start from it are longest, so that no long cell is left over in the end.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Mapping, Sequence
from statistics import mean

from benchmarks.plan.cell import Cell

TIMED_QUANTITIES = 6  # per NFE and for updates, with warm-up, as the timing cells of the digits preset have taken


class Durations:
    """Expected wall-clock seconds of cells.

    A cell takes the mean of the ended ones of its kind, variant and data set, else of its kind and variant. Where none
    of a variant has ended, it takes the mean seconds per FLOP of its kind times its budget; a timing cell the mean.
    """

    def __init__(self):
        self._seconds: dict[tuple, list[float]] = defaultdict(list)

    def add(self, cell: Cell, seconds: float) -> bool:
        """Note how long a cell has taken; returns whether it is the first of its variant."""
        first = not self.has_ended(cell)
        for key in ((cell.kind, cell.variant, cell.dataset), (cell.kind, cell.variant)):
            self._seconds[key].append(seconds)
        self._seconds[cell.kind, None].append(seconds / _size(cell))
        return first

    def has_ended(self, cell: Cell) -> bool:
        """Whether a cell of the same kind and variant has ended."""
        return (cell.kind, cell.variant) in self._seconds

    def expected(self, cell: Cell) -> float | None:
        """Seconds that the cell will take; None while no cell of its kind has ended."""
        for key in ((cell.kind, cell.variant, cell.dataset), (cell.kind, cell.variant)):
            if found := self._seconds.get(key):
                return mean(found)
        rates = self._seconds.get((cell.kind, None))
        return mean(rates) * _size(cell) if rates else None


def _size(cell: Cell) -> float:
    return 1.0 if cell.kind == "timing" else cell.budget_flops


def ordered(cells: Sequence[Cell], durations: Durations) -> list[Cell]:
    """Cells in the order in which they should start; a cell comes after the one whose weights it starts from.

    cells: each after its ancestor.
    durations: of cells that have ended.
    """
    length: dict[str, float] = {}  # trained stem -> seconds of the cell and of the longest chain that starts from it
    follows: dict[str, float] = defaultdict(float)
    for cell in reversed(cells):
        own = durations.expected(cell)
        length[cell.stem] = (_size(cell) if own is None else own) + follows[cell.trained_stem]
        if cell.ancestor:
            follows[cell.ancestor] = max(follows[cell.ancestor], length[cell.stem])
    return sorted(cells, key=lambda cell: (cell.kind == "timing", cell.repetition, -length[cell.stem]))


def makespan(jobs: int, left: Mapping[str, float], waiting: Sequence[Cell], durations: Durations) -> float:
    """Seconds until all cells have ended, if each starts as soon as it can; timing cells run last, one at a time.

    A timing cell of which nothing is known yet takes a multiple of its `timing_seconds`, any other such cell 0 s.

    jobs: cells at a time.
    left: trained stem of each running cell -> seconds that it still needs.
    waiting: other cells, in their order.
    durations: of cells that have ended.
    """
    ends, free = dict(left), [*left.values()]
    free += [0.0] * (jobs - len(free))
    heapq.heapify(free)
    for cell in (cell for cell in waiting if cell.kind != "timing"):
        begin = max(heapq.heappop(free), ends.get(cell.ancestor or "", 0.0))
        ends[cell.trained_stem] = begin + (durations.expected(cell) or 0.0)
        heapq.heappush(free, ends[cell.trained_stem])
    timed = [durations.expected(cell) or timing_seconds(cell) for cell in waiting if cell.kind == "timing"]
    return max([*free, *ends.values()], default=0.0) + sum(timed)


def timing_seconds(cell: Cell) -> float:
    """Seconds that a timing cell takes by the settings of its preset; to be used where none has ended."""
    return TIMED_QUANTITIES * cell.timing_seconds * (1 + len(cell.nfe))
