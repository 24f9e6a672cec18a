"""Cells on a real Slurm of two nodes, started on this machine for the test."""

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
import torch

from benchmarks.execute.engines import slurm
from benchmarks.execute.engines.local import WORKER
from benchmarks.plan.preset import Variant
from benchmarks.store import records
from benchmarks.weights import load
from tests.benchmarks.conftest import FAKE_WORKER, cells_of, grid, slow_cells
from tests.benchmarks.execute.engines.slurm_cluster import slurm_of_two_nodes
from tests.benchmarks.test_devices import FAILS, cell_on, run

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


def over_two_nodes(folder, variant, observer):
    """The record of a cell on two devices that Slurm has given one node each."""
    (folder / ".work").mkdir(parents=True)
    cell = cell_on(2, variant)
    slurm.Slurm(folder, worker=WORKER, options=["nodes=2"]).run([cell], observer)
    return records.read(records.path_of(folder, cell))


def test_a_cell_over_two_nodes_has_the_weights_of_one_on_one_machine_to_the_bit(cluster, tmp_path, quick):
    variant, weights = Variant(paradigm="sdae", options={"widths": [16]}), []
    for folder in (tmp_path / "one machine", tmp_path / "two nodes"):
        both = folder.name == "two nodes"
        record = over_two_nodes(folder, variant, Heard()) if both else run(folder, 2, variant)
        assert record["status"] == "done", record["reason"]
        weights.append(load(folder / "trained" / record["trained"] / "end.safetensors", "cpu"))
    one, two = weights
    assert one.keys() == two.keys() and all(torch.equal(two[name], value) for name, value in one.items())


def test_a_rank_that_fails_on_another_node_is_named_with_its_node(cluster, tmp_path, quick):
    (tmp_path / "fails.py").write_text(FAILS)
    record = over_two_nodes(tmp_path / "results", Variant(paradigm=str(tmp_path / "fails.py")), Heard())
    assert record["reason"] == "RankEnded: rank 1 on n2: ValueError: the second rank fails"


@pytest.mark.parametrize("rank", [0, 1])
def test_no_rank_is_left_on_a_node_when_one_is_killed(cluster, tmp_path, quick, rank):
    waits = f"open({str(tmp_path)!r} + '/pid', 'w').write(str(os.getpid())); time.sleep(600)"
    waiting = FAILS.replace('raise ValueError("the second rank fails")', waits)
    (tmp_path / "waits.py").write_text(f"import os, time\n{waiting}")

    class Killing(Heard):
        def tick(self, running, waits):
            pid = tmp_path / "pid"
            if not self.stop and pid.exists() and pid.read_text():
                self.stop, second = True, int(pid.read_text())
                (step,) = subprocess.run(["pgrep", "-of", f"srun.*{tmp_path}"], capture_output=True).stdout.split()
                first = int(Path(f"/proc/{int(step)}/stat").read_text().split()[3])
                self.ranks = first, second
                os.kill(self.ranks[rank], signal.SIGKILL)

    record = over_two_nodes(tmp_path / "results", Variant(paradigm=str(tmp_path / "waits.py")), killing := Killing())
    assert record["status"] == "oom" and "killed from outside" in record["reason"]
    deadline = time.monotonic() + 60
    while (left := [pid for pid in killing.ranks if Path(f"/proc/{pid}").exists()]) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert not left


def released(folder):
    """Whether no claim is left once the tasks have had time to end."""
    deadline = time.monotonic() + 20
    while (left := list(folder.rglob("claim.*"))) and time.monotonic() < deadline:
        time.sleep(0.1)
    return not left


def slow_variants():
    return {"slow": {"paradigm": "diffusion", "options": {"act": "succeed", "seconds": 6.0}}}
