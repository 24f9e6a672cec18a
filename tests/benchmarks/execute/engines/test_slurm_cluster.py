"""Cells on a real Slurm of two nodes, started on this machine for the test."""

import os
import shutil
import subprocess
import time

import pytest

from benchmarks.execute.engines import slurm
from benchmarks.store import records
from tests.benchmarks.conftest import FAKE_WORKER, cells_of, grid, slow_cells
from tests.benchmarks.execute.engines.slurm_cluster import slurm_of_two_nodes

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(not shutil.which("slurmctld"), reason="Slurm is not installed (apt install slurm-wlm munge)"),
    pytest.mark.skipif(os.geteuid() != 0, reason="starting Slurm's daemons needs root"),
]


class Heard:
    def __init__(self):
        self.ended, self.stop = [], False

    def finished(self, cell, record, seconds):
        self.ended.append((cell.place, record["status"]))

    def tick(self, running, waits):
        if self.stop and running:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with slurm_of_two_nodes(tmp_path_factory.mktemp("slurm")):
        yield


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(slurm, "WATCH_SECONDS", 0.3)
    monkeypatch.setattr(slurm, "QUEUE_SECONDS", 1.0)


def queue():
    return subprocess.run(["squeue", "-h", "-r", "-o", "%i"], capture_output=True, text=True).stdout.split()


def test_cells_run_in_arrays_of_the_allowed_size_and_timing_cells_last(cluster, tmp_path, quick):
    (tmp_path / ".work").mkdir()
    cells, heard = slow_cells(0.2), Heard()
    engine = slurm.Slurm(tmp_path, worker=FAKE_WORKER, options=["partition=all"])
    assert engine.slots(cells[0]) == 2
    engine.run(cells, heard)
    assert sorted(heard.ended) == sorted((cell.place, "done") for cell in cells)
    assert heard.ended[-1][0].endswith("timing")
    arrays = [path for path in (tmp_path / ".work/slurm").glob("*.txt") if "_" not in path.name]
    assert sorted(len(path.read_text().splitlines()) for path in arrays) == [1, 1, 2]  # 3 and 1, in arrays of 2
    assert released(tmp_path)


def test_ctrl_c_leaves_the_jobs_and_the_same_command_watches_them_to_the_end(cluster, tmp_path, quick, capsys):
    (tmp_path / ".work").mkdir()
    cells, heard = cells_of(grid(["succeed"], seeds=2, variants=slow_variants()), "quality"), Heard()
    heard.stop = True
    with pytest.raises(KeyboardInterrupt):
        slurm.Slurm(tmp_path, worker=FAKE_WORKER).run(cells, heard)
    said = capsys.readouterr().err
    assert "go on in Slurm" in said and f"scancel {queue()[0].partition('_')[0]}" in said
    slurm.Slurm(tmp_path, worker=FAKE_WORKER).run(cells, again := Heard())
    assert sorted(again.ended) == [(cell.place, "done") for cell in cells]
    assert len(list((tmp_path / "pids").glob("*"))) == len(cells), "no cell was submitted twice"


def test_a_cancelled_task_is_submitted_again(cluster, tmp_path, quick):
    (tmp_path / ".work").mkdir()
    cells = cells_of(grid(["succeed"], variants=slow_variants()), "quality")

    class Cancelling(Heard):
        def tick(self, running, waits):
            if running and not self.stop:
                self.stop = True
                subprocess.run(["scancel", running[0].job], check=True)

    slurm.Slurm(tmp_path, worker=FAKE_WORKER).run(cells, heard := Cancelling())
    assert heard.stop and heard.ended == [(cells[0].place, "done")]
    assert records.done(tmp_path, cells[0]) and released(tmp_path)


def released(folder):
    """Whether no claim is left once the tasks have had time to end."""
    deadline = time.monotonic() + 20
    while (left := list(folder.rglob("claim.*"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not left


def slow_variants():
    return {"slow": {"paradigm": "diffusion", "options": {"act": "succeed", "seconds": 6.0}}}
