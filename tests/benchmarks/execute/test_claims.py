"""Several runs share the cells of one folder: exactly one process runs a cell, whoever is killed meanwhile."""

import os
import shutil
import subprocess
import sys
import threading
import time

import pytest

from benchmarks.errors import BadInput
from benchmarks.execute import claims as claims_
from benchmarks.execute import session
from benchmarks.execute.claims import Claims
from benchmarks.execute.engines.local import Local
from benchmarks.execute.session import Place, execute
from benchmarks.store import records
from tests import ROOT
from tests.benchmarks.conftest import FAKE_WORKER, alive, cells_of, grid
from tests.benchmarks.execute.test_local import Heard

TAKE = """
import sys, time
from pathlib import Path
from benchmarks.execute.claims import Claims
claims = Claims(Path(sys.argv[1]))
for index in range(int(sys.argv[2])):
    if claim := claims.take(str(index)):
        with open(sys.argv[3], "a") as file:  # short appends are atomic
            file.write(f"{index}\\n")
print("ready", flush=True)
sys.stdin.read()
"""


def python(script, *arguments, **more):
    variables = os.environ | {"PYTHONPATH": str(ROOT)}
    return subprocess.Popen([sys.executable, "-c", script, *map(str, arguments)], cwd=ROOT, env=variables, **more)


def holder(tmp_path, n=1):
    """A process that holds the claims 0 to n - 1, as far as they were free."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    return python(TAKE, tmp_path / "claims", n, tmp_path / "taken", **pipes)


def test_of_many_processes_exactly_one_gets_a_claim(tmp_path):
    processes = [holder(tmp_path, 100) for _ in range(6)]
    for process in processes:
        assert process.stdout.readline() == b"ready\n"
    assert sorted(map(int, (tmp_path / "taken").read_text().split())) == list(range(100))
    for process in processes:
        process.kill()
        process.wait()


def test_exactly_one_process_takes_over_the_claim_of_a_killed_one(tmp_path):
    first = holder(tmp_path, 40)
    assert first.stdout.readline() == b"ready\n"
    first.kill()
    first.wait()
    processes = [holder(tmp_path, 40) for _ in range(4)]
    for process in processes:
        assert process.stdout.readline() == b"ready\n"
    taken = sorted(map(int, (tmp_path / "taken").read_text().split()))
    assert taken == sorted([*range(40)] * 2)
    assert len(list((tmp_path / "claims").rglob("claim.2"))) == 40
    for process in processes:
        process.kill()
        process.wait()


def elsewhere(tmp_path):
    """Claims in the name of a process on another machine, which cannot be seen from here."""
    other = Claims(tmp_path)
    other.me = {"host": "elsewhere/boot", "pid": 1, "started": "0"}
    return other


def test_a_claim_of_another_machine_is_taken_over_when_it_was_not_renewed(tmp_path, monkeypatch):
    claim = elsewhere(tmp_path).take("cell")
    here = Claims(tmp_path)
    assert here.take("cell") is None and here.holder("cell") == "process 1 on elsewhere"
    os.utime(claim.path, (time.time() - 1000,) * 2)
    assert claim.renew() and here.take("cell") is None
    monkeypatch.setattr(claims_, "STALE_SECONDS", 100)
    os.utime(claim.path, (time.time() - 101,) * 2)
    mine = here.take("cell")
    assert mine.attempt == 2
    assert not claim.renew(), "the former holder notices"
    claim.release()
    assert mine.renew() and here.holder("cell") == f"process {os.getpid()}", "and cannot release it"
    mine.release()
    assert not list(tmp_path.rglob("*claim*"))
    assert here.take("cell").attempt == 1


def test_staleness_is_measured_by_the_clock_of_the_file_server(tmp_path, monkeypatch):
    elsewhere(tmp_path).take("cell")
    monkeypatch.setattr(time, "time", lambda: 1e12)
    assert Claims(tmp_path).take("cell") is None


def test_a_file_system_without_links_has_claims_too(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    claim = Claims(tmp_path).take("cell")
    assert Claims(tmp_path).take("cell") is None
    claim.release()
    assert Claims(tmp_path).take("cell")


def shared(act="succeed", n=12, seconds=0.05):
    """`n` cells and a timing cell. All have the same seed, so that no run writes a report before its end."""
    options = {"act": act, "seconds": seconds}
    variants = {f"v{i}": {"paradigm": "diffusion", "options": options, "timed": i == 0} for i in range(n)}
    return cells_of(grid([], variants=variants))


RUN = """
import sys
from pathlib import Path
from benchmarks.execute.session import Place, execute
from tests.benchmarks.conftest import FAKE_WORKER
from tests.benchmarks.execute.test_claims import shared
found = execute(shared(), Place(Path(sys.argv[1]), jobs=2), FAKE_WORKER)
sys.exit(any(record["status"] != "done" for record in found))
"""


@pytest.mark.parametrize("n_runs", [2, 8])
def test_runs_in_one_folder_share_its_cells_and_no_cell_runs_twice(tmp_path, n_runs):
    assert [run.wait(300) for run in [python(RUN, tmp_path) for _ in range(n_runs)]] == [0] * n_runs
    assert all(records.done(tmp_path, cell) for cell in shared())
    assert len(os.listdir(tmp_path / "pids")) == len(shared())
    assert not [*tmp_path.rglob("*claim*"), *tmp_path.rglob("*.tmp")]


def test_a_record_that_another_run_writes_before_the_first_cell_starts_counts(tmp_path, monkeypatch):
    (cell,) = shared(n=1)[:1]
    real = session.unfinished

    def unfinished(*arguments):
        todo = real(*arguments)
        records.write(records.path_of(tmp_path, cell), records.opening(cell, "done"))
        return todo

    monkeypatch.setattr(session, "unfinished", unfinished)
    execute([cell], Place(tmp_path, jobs=1), FAKE_WORKER)
    assert not (tmp_path / "pids").exists()


def test_the_claim_of_a_run_that_was_killed_after_its_cell_was_done_is_removed(tmp_path):
    (cell,) = shared(n=1)[:1]
    (tmp_path / ".work").mkdir()
    records.write(records.path_of(tmp_path, cell), records.opening(cell, "done"))
    gone = Claims(tmp_path / ".work")
    gone.me |= {"pid": 1, "started": "before the machine was started"}
    gone.take(cell.work_stem)
    execute([cell], Place(tmp_path, jobs=1), FAKE_WORKER)
    assert not list(tmp_path.rglob("*claim*"))


def test_a_run_finishes_the_cells_of_another_that_is_killed(tmp_path):
    other = python(RUN, tmp_path)
    while len(list((tmp_path / "pids").glob("*"))) < 3:
        time.sleep(0.005)
    other.kill()
    other.wait()
    execute(shared(), Place(tmp_path, jobs=2), FAKE_WORKER)
    assert all(records.done(tmp_path, cell) for cell in shared())
    assert not alive(tmp_path) and not list(tmp_path.rglob("*claim*"))


def test_a_stopped_run_loses_its_cells_and_leaves_them_to_the_other(tmp_path, monkeypatch):
    (tmp_path / ".work").mkdir()
    (cell,) = shared(n=1, seconds=3.0)[:1]
    monkeypatch.setattr("benchmarks.execute.engines.local.BEAT_SECONDS", 0.0)
    monkeypatch.setattr(claims_, "STALE_SECONDS", 5.0)

    class Thief(Heard):
        claim = None

        def tick(self, running, waits):
            if running and self.claim is None:
                os.utime(running[0].claims[0].path, (1, 1))
                self.claim = elsewhere(tmp_path / ".work").take(cell.work_stem)
            if self.claim and waits and not self.ended and "elsewhere" in waits[0]:
                records.write(records.path_of(tmp_path, cell), records.opening(cell, "done") | {"wall_seconds": 7.0})
                self.claim.release()

    Local(tmp_path, 1, worker=FAKE_WORKER).run([cell], heard := Thief())
    assert heard.ended == [(cell.place, "done")] and not alive(tmp_path)
    assert records.read(records.path_of(tmp_path, cell))["wall_seconds"] == 7.0


def test_a_failure_that_another_run_records_meanwhile_ends_the_wait_for_the_cell(tmp_path):
    (tmp_path / ".work").mkdir()
    (cell,) = shared(n=1)[:1]
    claim = elsewhere(tmp_path / ".work").take(cell.work_stem)

    class Failing(Heard):
        def tick(self, running, waits):
            if waits and claim.path.exists():
                records.write(records.path_of(tmp_path, cell), records.opening(cell, "failed", "elsewhere"))
                claim.release()

    Local(tmp_path, 1, worker=FAKE_WORKER).run([cell], heard := Failing())
    assert heard.ended == [(cell.place, "failed")] and not (tmp_path / "pids").exists()


def test_what_a_killed_writer_left_half_written_is_removed(tmp_path):
    (cell,) = shared(n=1)[:1]
    (tmp_path / "cells").mkdir()
    half = tmp_path / "cells" / f".{cell.stem}.json.7.tmp"
    half.write_text("{")
    execute([cell], Place(tmp_path, jobs=1), FAKE_WORKER)
    assert records.done(tmp_path, cell) and not half.exists()


@pytest.mark.parametrize("name", [".work", ".work/CELL", "cells", "trained/CELL"])
def test_a_run_follows_no_link_out_of_its_folder(tmp_path, name):
    (cell,) = shared(n=1)[:1]
    (outside := tmp_path / "outside").mkdir()
    link = tmp_path / "results" / name.replace("CELL", cell.work_stem)
    link.parent.mkdir(parents=True)
    link.symlink_to(outside)
    with pytest.raises(BadInput, match=rf"results: '{name.partition('/')[0]}.*' leads out of it"):
        execute([cell], Place(tmp_path / "results", jobs=1), FAKE_WORKER)
    assert not list(outside.iterdir())


def test_a_results_folder_deleted_in_mid_run_is_one_line(tmp_path):
    folder = tmp_path / "results"
    (cell, *_) = shared(n=1, seconds=0.5)

    def remove():
        while not list((folder / "pids").glob("*")):
            time.sleep(0.01)
        shutil.rmtree(folder, ignore_errors=True)

    (thread := threading.Thread(target=remove)).start()
    with pytest.raises(BadInput, match="was removed while the run worked in it"):
        execute([cell], Place(folder, jobs=1), FAKE_WORKER)
    thread.join()
