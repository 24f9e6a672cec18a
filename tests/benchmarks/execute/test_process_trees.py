"""What a run has started ends with it, however it ends; an ignored signal stays ignored."""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.execute import processes
from benchmarks.execute.engines.local import Local
from tests.benchmarks.conftest import FAKE_WORKER, alive, cells_of, grid
from tests.benchmarks.execute.test_claims import RUN, python, shared
from tests.benchmarks.execute.test_local import Heard


def alive_after_patience(results_dir):
    """The workers of a results folder that are still running ten seconds from now; at once where none is."""
    deadline = time.monotonic() + 10
    while (left := alive(results_dir)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return left


POOL = """
import os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from benchmarks.execute import processes
processes.tie_forks()
pool = ProcessPoolExecutor(2, get_context("fork"))
pool.submit(os.getpid).result()
print(*pool._processes, flush=True)
time.sleep(100)
"""


def test_the_workers_of_a_pool_end_with_a_process_that_was_killed():
    drawing = subprocess.Popen([sys.executable, "-c", POOL], stdout=subprocess.PIPE, text=True)
    workers = [int(pid) for pid in drawing.stdout.readline().split()]
    drawing.kill()
    try:
        drawing.communicate(timeout=10)  # to the end of the output, which every worker holds open
    finally:
        for pid in workers:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    assert len(workers) == 2


def test_nohup_keeps_a_run_alive_when_the_terminal_goes(tmp_path):
    run = python(
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)" + RUN.replace("shared()", "shared(n=2)"),
        tmp_path,
    )
    while not list((tmp_path / "pids").glob("*")):
        assert run.poll() is None
        time.sleep(0.01)
    run.send_signal(signal.SIGHUP)
    assert run.wait(60) == 0


def test_nothing_outlives_a_killed_run_not_even_a_child_with_a_session_of_its_own(tmp_path):
    run = python(RUN.replace("shared()", "shared('detach', n=1)"), tmp_path)
    while len(list((tmp_path / "pids").glob("*"))) < 2:
        assert run.poll() is None
        time.sleep(0.01)
    run.kill()
    run.wait()
    assert not alive_after_patience(tmp_path)


def test_signals_that_arrive_while_the_fork_server_ends_its_children_change_nothing(tmp_path):
    run = python(RUN.replace("shared()", "shared('detach', n=2)"), tmp_path)
    while len(list((tmp_path / "pids").glob("*"))) < 4:  # two cells and what each of them has started
        assert run.poll() is None
        time.sleep(0.01)
    (server,) = processes.children(run.pid)
    for cell in processes.children(server):
        os.kill(cell, signal.SIGSTOP)  # it cannot help
    run.kill()
    deadline = time.monotonic() + 10
    while processes.started(server) and time.monotonic() < deadline:
        with suppress(ProcessLookupError):
            os.kill(server, signal.SIGCONT)
        time.sleep(0.001)
    run.wait()
    assert not alive_after_patience(tmp_path)


ENDED_MAIN_THREAD = """
import ctypes, platform, subprocess, threading, time
def start():
    print(subprocess.Popen(["sleep", "300"]).pid, flush=True)
    time.sleep(300)
threading.Thread(target=start).start()
time.sleep(0.2)
ctypes.CDLL(None).syscall({"x86_64": 60, "aarch64": 93}[platform.machine()], 0)  # exit, of this thread alone
"""


def test_a_process_whose_main_thread_has_ended_is_ended_with_its_children():
    start = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1]])"
    starter = subprocess.Popen([sys.executable, "-c", start, ENDED_MAIN_THREAD], stdout=subprocess.PIPE, text=True)
    child = int(starter.stdout.readline())
    (half,) = processes.children(starter.pid)
    while ") Z " not in Path(f"/proc/{half}/stat").read_text():
        time.sleep(0.01)
    try:
        assert processes.started(half) and processes.started(child)
        processes.end_descendants(starter.pid)
        assert not processes.started(child)
        starter.communicate(timeout=10)  # it waits for the process that has half ended
    finally:
        for pid in (child, half):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("act", ["detach and end", "detach and SIGKILL"])
def test_what_a_cell_has_started_ends_with_it(tmp_path, act):
    (tmp_path / ".work").mkdir()
    cells = [cell for cell in shared(act, n=1) if cell.kind == "quality"]
    Local(tmp_path, 1, worker=FAKE_WORKER).run(cells, Heard())
    assert len(list((tmp_path / "pids").iterdir())) == 2 and not alive_after_patience(tmp_path)


def test_a_cell_that_forks_again_and_again_ends_at_its_time_limit_with_all_of_them(tmp_path):
    (tmp_path / ".work").mkdir()
    cells = cells_of(grid(["fork bomb"], limit_seconds=2.0), "quality")
    Local(tmp_path, 1, worker=FAKE_WORKER, grace_seconds=0.2).run(cells, heard := Heard())
    assert heard.ended == [("fork-bomb.digits.s0", "timeout")]
    assert len(list((tmp_path / "pids").iterdir())) > 8 and not alive_after_patience(tmp_path)


def test_a_stopped_fork_server_ends_with_its_run(tmp_path):
    run = python(RUN.replace("shared()", "shared(seconds=60)"), tmp_path)
    while not list((tmp_path / "pids").glob("*")):
        assert run.poll() is None
        time.sleep(0.01)
    (server,) = processes.children(run.pid)
    os.kill(server, signal.SIGSTOP)
    run.kill()
    run.wait()
    deadline = time.monotonic() + 10
    while processes.started(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not processes.started(server) and not alive(tmp_path)
