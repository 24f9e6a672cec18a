"""The progress display and its estimate of the remaining time."""

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from benchmarks.execute import progress
from benchmarks.execute.progress import Progress
from benchmarks.execute.session import Place, execute
from benchmarks.store import records
from tests.benchmarks.conftest import FAKE_WORKER, cells_of, grid


def job(cell, seconds, fraction=0.0, phase="training"):
    return SimpleNamespace(cell=cell, seconds=seconds, progress=lambda: {"phase": phase, "fraction": fraction})


@pytest.fixture
def cells():
    return cells_of(grid(["a", "b"], seeds=2), "quality")


def shown(cells, n_cells=4, terminal=False):
    console = Console(file=io.StringIO(), force_terminal=terminal, soft_wrap=True, highlight=False)
    return Progress(cells, n_cells, jobs=2, console=console), console.file


def test_nothing_is_estimated_while_nothing_is_known(cells):
    assert shown(cells)[0].remaining_seconds([job(cells[0], 5.0)]) is None


def test_the_estimate_adds_the_rest_of_running_cells_and_the_mean_duration_of_ended_ones(cells):
    watch, _ = shown(cells)
    first_a, first_b, *_ = cells
    watch.finished(first_a, {"status": "done", "reason": None}, 10.0)
    # b runs and is a quarter done after 5 s: 15 s to go. The other process runs b again and a again, 10 s each.
    assert watch.remaining_seconds([job(first_b, 5.0, 0.25)]) == pytest.approx(10 + 10)
    # A running cell that has not reported counts the mean less its time so far, and at least 0 s.
    assert watch.remaining_seconds([job(first_b, 4.0)]) == pytest.approx(6 + 10)
    assert watch.remaining_seconds([job(first_b, 40.0)]) == pytest.approx(10)


@pytest.mark.parametrize(
    ("facts", "left"),
    [
        ({"training": {"seconds": 6.0}}, [10, 7, 4, 2]),  # 60 % training, 40 % scoring
        ({"training": {"seconds": 6.0}, "rescored": True}, [10, 10, 10, 5]),  # scoring alone
        ({}, [4, 4, 4, 4]),  # the fraction of a phase says nothing; 6 s have passed
    ],
)
def test_a_running_cell_needs_what_an_ended_seed_of_its_variant_needed_from_there(cells, facts, left):
    watch, _ = shown(cells)
    first_a, _, second_a, _ = cells
    watch.finished(first_a, {"status": "done", "reason": None} | facts, 10.0)
    watch.waiting = [second_a]
    reports = [("starting", 0.0), ("training", 0.5), ("scoring", 0.0), ("scoring", 0.5)]
    found = [watch.remaining_seconds([job(second_a, 6.0, fraction, phase)]) for phase, fraction in reports]
    assert found == pytest.approx(left)


def test_a_resumed_run_knows_how_long_cells_have_taken(tmp_path, monkeypatch, cells):
    for cell in cells[:2]:
        records.write(records.path_of(tmp_path, cell), records.opening(cell, "done") | {"wall_seconds": 7.0})
    said = []
    monkeypatch.setattr(Progress, "tick", lambda watch, running, waits: said.append(watch.remaining_seconds([])))
    execute(cells, Place(tmp_path, jobs=1), FAKE_WORKER)
    assert said[0] == pytest.approx(14)


def test_the_fraction_that_is_scored_is_not_taken_for_that_of_the_cell(cells):
    assert shown(cells)[0].remaining_seconds([job(cells[0], 5.0, 0.5, "scoring")]) is None


def test_timing_cells_count_before_any_of_them_has_ended():
    preset = grid(["a", "b"], nfe=[1, 4], timing_seconds=2.0)
    (first, second), timed = cells_of(preset, "quality"), cells_of(preset, "timing")
    watch, _ = shown([first, second, *timed])
    assert watch.remaining_seconds([]) is None, "of timing cells alone there is no estimate of a run"
    watch.finished(first, {"status": "done", "reason": None}, 10.0)
    assert watch.remaining_seconds([]) == pytest.approx(10 + 2 * 6 * 2.0 * 3)
    assert shown(timed)[0].remaining_seconds([job(timed[0], 6.0)]) == pytest.approx(30 + 36)


def test_off_a_terminal_plain_lines_give_the_end_and_the_progress_of_cells(cells, monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    watch, text = shown(cells)
    with watch:
        watch.tick([job(cells[0], 30.0, 0.5)], ["b.digits.s0, which process 7 on elsewhere runs"])
        watch.finished(cells[0], {"status": "non_finite", "reason": "loss [a] is nan"}, 60.0)
    assert text.getvalue().splitlines() == [
        "4 cells; 2 at a time",
        "  a.digits.s0 training 50% 30 s; about 30 s left",
        "  waits for b.digits.s0, which process 7 on elsewhere runs; about 30 s left",
        "[1/4] non_finite a.digits.s0 60 s: loss [a] is nan",
    ]


def test_on_a_terminal_the_running_cells_are_shown_live(cells, monkeypatch):
    monkeypatch.setattr(progress, "REFRESH_SECONDS", 0.0)
    watch, text = shown(cells, n_cells=6, terminal=True)
    with watch:
        watch.tick([job(cells[0], 30.0, 0.5)], [])
    assert "2 already done" in text.getvalue() and "a.digits.s0 training 50% 30 s" in text.getvalue()
