"""The report is written while a run goes on, whenever a further seed of all variants is complete."""

import socket
from types import SimpleNamespace

import pytest

from benchmarks.errors import BadInput
from benchmarks.execute import drawing, early_report
from benchmarks.execute.session import Place, execute
from benchmarks.store import records
from tests.benchmarks.conftest import FAKE_WORKER, cells_of, grid


@pytest.fixture
def cells():
    return cells_of(grid(["succeed", "diverge"], seeds=3))


@pytest.fixture
def reports(monkeypatch, tmp_path, cells):
    """Stands in for the process that draws, and notes which seeds had ended when a report began."""
    found = SimpleNamespace(begun=[], ended=0, answer=lambda child: {})

    def begin(module, request):
        assert (module, request) == (drawing.__name__, {"folders": [tmp_path]})
        ended = [cell for cell in cells if records.path_of(tmp_path, cell).is_file()]
        found.begun.append([cell.repetition for cell in ended])
        ours, its = socket.socketpair()
        its.close()  # so that ours is readable, as when the child answers
        return SimpleNamespace(channel=ours)

    def end(child):
        child.channel.close()
        found.ended += 1

    stand_in = SimpleNamespace(begin=begin, receive=lambda child: found.answer(child), end=end)
    monkeypatch.setattr(early_report, "fork_server", stand_in)
    return found


def test_a_report_follows_each_seed_of_all_variants_but_the_last(tmp_path, cells, reports):
    execute(cells, Place(tmp_path, jobs=1), FAKE_WORKER)
    assert reports.begun == [[0, 0], [0, 0, 1, 1]], "cells that have failed count, too"
    assert reports.ended == 2


def test_a_report_that_fails_is_one_line_and_the_run_goes_on(tmp_path, cells, reports, capfd):
    def refuse(child):
        raise BadInput("disk full")

    reports.answer = refuse
    statuses = [record["status"] for record in execute(cells, Place(tmp_path, jobs=1), FAKE_WORKER)]
    assert sorted(set(statuses)) == ["done", "non_finite"]
    assert capfd.readouterr().err.count("no report yet: disk full\n") == 2
