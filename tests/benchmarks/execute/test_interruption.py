"""A killed or interrupted run keeps its finished cells and leaves no process behind."""

import os
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.execute.session import Place, execute
from benchmarks.store import records
from tests import ROOT
from tests.benchmarks.conftest import FAKE_WORKER, alive, slow_cells

SCRIPT = """
import signal, sys
from pathlib import Path
from benchmarks.execute.session import Place, execute
from tests.benchmarks.conftest import FAKE_WORKER, slow_cells
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit that it is ignored
try:
    execute(slow_cells(float(sys.argv[2])), Place(Path(sys.argv[1]), jobs=2), FAKE_WORKER)
except KeyboardInterrupt:
    sys.exit(130)
"""


def start(results_dir, seconds=0.2):
    """A run of the slow cells in a process of its own, once its first worker has started."""
    arguments = [sys.executable, "-c", SCRIPT, str(results_dir), str(seconds)]
    process = subprocess.Popen(arguments, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})
    while not any((results_dir / "pids").glob("*")):  # the folder alone comes earlier
        assert process.poll() is None, "the run ended before a worker had started"
        time.sleep(0.01)
    return process


def results(results_dir):
    return {cell.place: records.read(records.path_of(results_dir, cell))["result"] for cell in slow_cells()}


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uninterrupted")
    assert start(folder).wait() == 0
    return results(folder)


@pytest.mark.parametrize("seconds", [0.0, 0.25, 0.5])
def test_a_killed_run_resumes_to_the_same_records(tmp_path, seconds, uninterrupted):
    process = start(tmp_path)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    done = {cell.stem for cell in slow_cells() if records.done(tmp_path, cell)}
    execute(slow_cells(), Place(tmp_path, jobs=2), FAKE_WORKER)
    assert results(tmp_path) == uninterrupted
    for stem in done:
        assert len(list((tmp_path / "pids").glob(f"{stem}.*"))) == 1, "a finished cell ran twice"
    assert not list(tmp_path.rglob("cells/.*.tmp"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_its_workers_and_leaves_no_record_of_them(tmp_path, number):
    process = start(tmp_path)
    process.send_signal(number)
    assert process.wait() == 130
    assert not alive(tmp_path)
    assert all(records.read(path)["status"] == "done" for path in (tmp_path / "cells").glob("*.json"))


def test_ctrl_c_while_a_command_starts_prints_no_traceback(tmp_path):
    (tmp_path / "tabulate.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    reset = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # see SCRIPT
    command = [sys.executable, "-c", f"{reset}; import runpy; runpy.run_module('benchmarks', alter_sys=True)", "list"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGINT and not ended.stderr and not ended.stdout
