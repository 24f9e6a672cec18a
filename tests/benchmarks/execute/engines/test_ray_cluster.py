"""Cells on a real Ray cluster of two nodes on this machine."""

import os
import threading
import time

import pytest

from benchmarks.errors import BadInput
from benchmarks.execute.engines import ray as engine
from benchmarks.store import records
from tests.benchmarks.conftest import FAKE_WORKER, alive, cells_of, grid, slow_cells

ray = pytest.importorskip("ray", reason="Ray is not installed (extra `ray`)")
cluster_utils = pytest.importorskip("ray.cluster_utils")
pytestmark = pytest.mark.engines


class Heard:
    def __init__(self):
        self.ended = []

    def finished(self, cell, record, seconds):
        self.ended.append((cell.place, record["status"]))

    def tick(self, running, waits):
        pass


@pytest.fixture
def cluster():
    # The head has no CPU for cells, so that a node that runs one can be ended.
    one = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    yield one
    ray.shutdown()
    one.shutdown()


def started(folder):
    while not list((folder / "pids").glob("*")):
        time.sleep(0.05)


def test_cells_run_on_both_nodes_and_one_whose_node_dies_runs_on_the_other(cluster, tmp_path, monkeypatch):
    nodes = [cluster.add_node(num_cpus=1, object_store_memory=80 << 20) for _ in range(2)]
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    cells, heard = slow_cells(8.0), Heard()
    (tmp_path / ".work").mkdir()

    def kill():
        while len(list((tmp_path / "pids").glob("*"))) < 2:
            time.sleep(0.05)
        cluster.remove_node(nodes[0], allow_graceful=False)

    threading.Thread(target=kill, daemon=True).start()
    engine.Ray(tmp_path, worker=FAKE_WORKER).run(cells, heard)
    assert sorted(heard.ended) == sorted((cell.place, "done") for cell in cells)
    assert all(records.done(tmp_path, cell) for cell in cells)
    assert len(list((tmp_path / "pids").glob("*"))) == len(cells) + 1, "one cell has run twice, no other"
    assert not alive(tmp_path) and not list(tmp_path.rglob("claim.*"))


def test_a_resource_that_no_node_has_is_named_at_once(cluster, tmp_path, monkeypatch):
    cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    (tmp_path / ".work").mkdir()
    cells = [cell.model_copy(update={"device": "cuda"}) for cell in cells_of(grid(["succeed"]), "quality")]
    with pytest.raises(BadInput, match=r"no node has CPU 1, GPU 1, which succeed.digits.s0 needs; .* CPU 1, GPU 0"):
        engine.Ray(tmp_path, worker=FAKE_WORKER).run(cells, Heard())


def test_without_a_cluster_ray_is_started_here_and_the_cells_see_no_gpu(tmp_path, monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / ".work").mkdir()
    cells, heard = cells_of(grid(["succeed"]), "quality"), Heard()
    engine.Ray(tmp_path, worker=FAKE_WORKER).run(cells, heard)
    assert heard.ended == [("succeed.digits.s0", "done")]
    assert os.environ.get("RAY_ADDRESS") is None
