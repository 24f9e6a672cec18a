"""How cells become Ray tasks, with a module in place of Ray that runs a task at once in this process."""

import sys
from types import SimpleNamespace

import pytest

from benchmarks.errors import BadInput
from benchmarks.execute.engines.ray import Ray
from benchmarks.store import records
from tests.benchmarks.conftest import FAKE_WORKER, cells_of, grid, slow_cells
from tests.benchmarks.execute.test_local import Heard


class FakeRay:
    """`ray` as far as it is used; `asked` holds the resources of every task."""

    exceptions = SimpleNamespace(RayError=RuntimeError)

    def __init__(self, nodes, dies=0):
        self.alive, self.dies, self.asked, self.running = nodes, dies, [], []

    def is_initialized(self):
        return True

    def nodes(self):
        return [{"Alive": True, "Resources": resources} for resources in self.alive]

    def get_gpu_ids(self):
        return []

    def remote(self, function):
        def options(**asked):
            self.asked.append(asked)
            return SimpleNamespace(remote=lambda *arguments: self.submit(function, arguments))

        return SimpleNamespace(options=options)

    def submit(self, function, arguments):
        reference = object()
        if len(self.asked) > self.dies:
            assert function(*arguments) == 0
        return reference

    def wait(self, references, num_returns, timeout):
        return references, []

    def get(self, reference):
        if len(self.asked) <= self.dies:
            raise RuntimeError("the node died")

    def cancel(self, reference, force):
        pass

    def shutdown(self):
        pass


@pytest.fixture
def start(monkeypatch, tmp_path):
    (tmp_path / ".work").mkdir()

    def make(nodes, jobs=None, **more):
        fake = FakeRay(nodes, **more)
        monkeypatch.setitem(sys.modules, "ray", fake)
        return fake, Ray(tmp_path, jobs, worker=FAKE_WORKER)

    return make


def test_cells_ask_for_their_cores_and_memory_and_ray_retries_nothing(start, tmp_path):
    fake, engine = start([{"CPU": 3.0, "memory": 2.0**33}] * 2)
    cells = [cell.model_copy(update={"threads": 2, "memory_gib": 1.0}) for cell in slow_cells(0.0)]
    assert engine.slots(cells[0]) == 2 and "2 Ray nodes" in engine.where
    engine.run(cells, heard := Heard())
    assert [status for _, status in heard.ended] == ["done"] * 4 and heard.ended[-1][0].endswith("timing")
    assert {(one["num_cpus"], one["num_gpus"], one["memory"], one["max_retries"]) for one in fake.asked} == {
        (2.0, 0, 2.0**30, 0)
    }


def test_a_cell_whose_node_dies_is_submitted_again(start):
    cells = cells_of(grid(["succeed"]), "quality")
    fake, engine = start([{"CPU": 1.0}], dies=2)
    engine.run(cells, heard := Heard())
    assert heard.ended == [("succeed.digits.s0", "done")] and len(fake.asked) == 3


def test_after_three_dead_nodes_the_cell_has_failed(start, tmp_path):
    cells = cells_of(grid(["succeed"]), "quality")
    fake, engine = start([{"CPU": 1.0}], dies=9)
    engine.run(cells, heard := Heard())
    assert heard.ended == [("succeed.digits.s0", "failed")] and len(fake.asked) == 3
    assert "has ended 3 times" in records.read(records.path_of(tmp_path, cells[0]))["reason"]


def test_a_gpu_that_no_node_has_is_named_at_once(start):
    cells = [cell.model_copy(update={"device": "cuda"}) for cell in cells_of(grid(["succeed"]), "quality")]
    _, engine = start([{"CPU": 4.0}])
    with pytest.raises(BadInput, match=r"no node has CPU 1, GPU 1, .* the nodes have: CPU 4"):
        engine.run(cells, Heard())


def test_without_ray_the_extra_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(BadInput, match=r"pip install 'alexnet-moment\[ray\]'"):
        Ray(tmp_path, worker=FAKE_WORKER)
