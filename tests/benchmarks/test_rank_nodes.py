"""Where the ranks of a cell on several nodes run, and what starts them there."""

import os

import pytest

from benchmarks import rank_nodes, rank_processes
from benchmarks.errors import BadInput
from benchmarks.rank_nodes import RankNodes, allocated, enter_step
from tests.benchmarks.conftest import cells_of, grid
from tests.benchmarks.stand_ins import write


@pytest.fixture
def cell():
    """A cell on four GPUs with three threads each."""
    return cells_of(grid(["a"], devices=4, threads=3))[0].model_copy(update={"device": "cuda"})


@pytest.fixture
def job(monkeypatch, tmp_path):
    """A job of two nodes; its command scontrol."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("SLURM_JOB_NODELIST", "gpu[07-08]")
    monkeypatch.setenv(rank_nodes.NODES, "2")
    write(tmp_path / "scontrol", "#!/bin/bash\necho gpu07; echo gpu08\n")
    return tmp_path / "scontrol"


def test_ranks_fill_one_node_after_the_other(job, cell):
    nodes = allocated(cell)
    assert nodes == RankNodes(("gpu07", "gpu08"), 2)
    assert [nodes.title(rank) for rank in range(4)] == [
        "rank 0 on gpu07",
        "rank 1 on gpu07",
        "rank 2 on gpu08",
        "rank 3 on gpu08",
    ]


def test_a_rank_on_another_node_is_a_step_with_all_that_the_cell_has_there(cell):
    nodes = RankNodes(("gpu07", "gpu08"), 2)
    assert nodes.step(0, cell) == nodes.step(1, cell) == []
    step = "srun --overlap --nodes=1 --ntasks=1 --nodelist=gpu08 --cpus-per-task=6 --gpus-per-node=2"
    assert nodes.step(2, cell) == nodes.step(3, cell) == [*step.split(), "--export=ALL", "--input=none"]
    assert not [word for word in nodes.step(2, cell.model_copy(update={"device": "cpu"})) if "gpu" in word[8:12]]


def test_a_job_of_several_nodes_without_the_word_of_the_batch_script_is_one_machine(job, monkeypatch, cell):
    monkeypatch.delenv(rank_nodes.NODES)
    nodes = allocated(cell)
    assert nodes == RankNodes((), 4) and nodes.title(3) == "rank 3" and not nodes.step(3, cell)


def test_nodes_that_slurm_does_not_name_are_one_line(job, cell):
    write(job, "#!/bin/bash\necho 'Invalid hostlist' >&2\nexit 1\n")
    with pytest.raises(BadInput, match=r"needs 2 nodes, and `scontrol show hostnames gpu.* names 0: Invalid hostlist"):
        allocated(cell)


def test_a_rank_sees_the_gpu_that_its_own_node_has_given(monkeypatch, cell):
    monkeypatch.setenv("SLURM_LAUNCH_NODE_IPADDR", "10.0.0.7")
    for shown, seen in (("5,6", "6"), (None, "1")):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES") if shown is None else monkeypatch.setenv(
            "CUDA_VISIBLE_DEVICES", shown
        )
        assert enter_step(cell, 1) == "10.0.0.7" and os.environ["CUDA_VISIBLE_DEVICES"] == seen
    monkeypatch.setenv("SLURMD_NODENAME", "gpu08")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5")
    with pytest.raises(BadInput, match="node gpu08 shows 1 GPUs to the cell, not 2"):
        enter_step(cell, 1)


def test_gpus_of_the_first_node_are_shown_to_its_own_ranks_only(monkeypatch, cell, tmp_path):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    started = []
    monkeypatch.setattr(rank_processes.subprocess, "Popen", lambda command, env: started.append((command, env)))
    for rank in (1, 2, 3):
        rank_processes._start(tmp_path / "spec.json", rank, 1234, cell, RankNodes(("gpu07", "gpu08"), 2))
    assert [env.get("CUDA_VISIBLE_DEVICES") for _, env in started] == ["3", None, None]
    assert [command[0].rpartition("/")[2][:6] for command, _ in started] == ["python", "srun", "srun"]
    assert [command[-3:] for command, _ in started[1:]] == [["2", "1234", "0"], ["3", "1234", "1"]]
