"""Runs where the environment is hostile: few descriptors, no HOME, odd paths, a server that is killed."""

import os
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.errors import BadInput
from benchmarks.execute import fork_server, preparation, processes, session
from benchmarks.execute.session import Place, execute
from benchmarks.store import records
from tests import ROOT
from tests.benchmarks import fake_prepare
from tests.benchmarks.conftest import FAKE_WORKER, grid
from tests.benchmarks.execute.test_claims import RUN, shared

SHARED = shared(n=2)


@pytest.fixture
def another_server(monkeypatch):
    """Children come from a fork server that is started in the test; that of the other tests is kept for them."""
    monkeypatch.setattr(fork_server, "_server", None)
    yield
    fork_server.close()


def test_64_descriptors_no_home_a_c_locale_and_long_odd_paths_change_nothing(tmp_path):
    folder, temporary = tmp_path / "résultats of 你 'x'", tmp_path / ("t" * 120)
    temporary.mkdir()
    variables = {name: value for name, value in os.environ.items() if name not in ("HOME", "LANG")}
    variables |= {"LC_ALL": "C", "TMPDIR": str(temporary), "PYTHONPATH": str(ROOT), "PYTHONUTF8": "0"}
    script = RUN.replace("shared()", "shared(n=2)").replace("jobs=2", "jobs=None")
    command = ["bash", "-c", 'ulimit -n 64; exec "$0" -c "$1" "$2"', sys.executable, script, str(folder)]
    run = subprocess.run(command, cwd=ROOT, env=variables, capture_output=True, timeout=120)
    assert run.returncode == 0, run.stderr.decode()
    assert all(records.done(folder, cell) for cell in SHARED)
    assert not list(temporary.iterdir())


def test_a_fork_server_that_is_killed_is_replaced_and_its_cells_run_again(tmp_path):
    script = RUN.replace("shared()", "shared(n=2, seconds=1.0)")
    run = subprocess.Popen([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stderr=subprocess.DEVNULL)
    while not list((tmp_path / "pids").glob("*")):
        assert run.poll() is None
        time.sleep(0.01)
    (server,) = processes.children(run.pid)
    os.kill(server, signal.SIGKILL)
    assert run.wait(60) == 0
    assert all(records.done(tmp_path, cell) for cell in shared(n=2, seconds=1.0))


def test_a_fork_server_that_cannot_import_is_one_line(tmp_path, monkeypatch, another_server):
    monkeypatch.setattr(fork_server, "COMMAND", "import os; os._exit(3)")
    with pytest.raises(BadInput, match=r"preset 'tiny': .* fork server ends while it imports"):
        session.plan(grid(["a"]), Place(tmp_path, "cpu"))
    with pytest.raises(BadInput, match="the process of a cell cannot be started"):
        execute(SHARED, Place(tmp_path, jobs=1), FAKE_WORKER)


def test_a_preparation_that_never_ends_is_ended_at_its_limit(tmp_path, monkeypatch, another_server):
    (tmp_path / "endless.py").write_text("def answer(**_):\n    while True:\n        pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(preparation, "PREPARE", "endless")
    monkeypatch.setattr(preparation, "AT_LEAST_SECONDS", 0.0)
    monkeypatch.setattr(session, "WORKER", FAKE_WORKER)  # the server imports no torch
    with pytest.raises(BadInput, match=r"takes longer than 1 s, .* never end its import"):
        session.plan(grid(["a"], limit_seconds=1.0), Place(tmp_path, "cpu"))


@pytest.mark.parametrize(("jobs", "at_once"), [(None, 4), (1, 1), (9, 4)])
def test_as_many_scoring_networks_are_trained_at_a_time_as_cells_may_run(tmp_path, monkeypatch, jobs, at_once):
    monkeypatch.setattr(preparation, "cores", lambda: 4)
    monkeypatch.setattr(preparation, "PREPARE", "tests.benchmarks.fake_prepare")
    asked = []

    def ask_all(module, requests, at_once, *_):
        asked.append(at_once)
        return ["hash"] * len(requests)

    monkeypatch.setattr(fork_server, "ask_all", ask_all)
    monkeypatch.setattr(fork_server, "ask", lambda module, request, *_: fake_prepare.answer(**request))
    session.plan(grid(["succeed"]), Place(tmp_path, "cuda", jobs=jobs))
    assert asked == [at_once]


def test_what_was_prepared_is_used_again_only_while_nothing_changed(tmp_path, monkeypatch):
    monkeypatch.setattr(preparation, "PREPARE", "tests.benchmarks.fake_prepare")
    monkeypatch.setattr(preparation, "SCORING_NETWORK", "tests.benchmarks.fake_network")
    monkeypatch.setattr(session, "WORKER", FAKE_WORKER)
    place = Place(tmp_path, "cuda", data_dir=tmp_path / "data")
    (tmp_path / "data").mkdir()
    preset = grid(["succeed"])
    cells = session.plan(preset, place)
    for cell in cells:
        records.write(records.path_of(tmp_path, cell), records.opening(cell, "done"))
    asked = []
    monkeypatch.setattr(preparation, "prepare", lambda *_, **__: asked.append(1) or pytest.skip.Exception)
    assert session.plan(preset, place) == cells and not asked
    records.path_of(tmp_path, cells[0]).unlink()
    with pytest.raises(AttributeError):
        session.plan(preset, place)
    assert asked
    assert preparation.remembered(grid(["crash"]), tmp_path, "cuda", place.data_dir) is None
    assert preparation.remembered(preset, tmp_path, "cpu", place.data_dir) is None
