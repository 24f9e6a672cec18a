"""A cell on two devices has the numbers of one on one, and a record of what each device did or why it failed."""

import json
import os
import subprocess

import pytest
import torch

from benchmarks import data, worker
from benchmarks.errors import BadInput
from benchmarks.execute import capacity
from benchmarks.execute.engines.local import Local
from benchmarks.execute.engines.ray import _resources
from benchmarks.execute.engines.slurm import Slurm
from benchmarks.plan import preflight
from benchmarks.plan.preset import Variant
from benchmarks.rank_processes import RankEnded, _blame_the_first
from benchmarks.store import records
from benchmarks.weights import load
from tests.benchmarks.conftest import cells_of, grid
from tests.benchmarks.stand_ins import write

SETTINGS = {
    "nfe": [1, 2],
    "n_samples": 65,
    "limit_seconds": 300,
    "curve_points": 2,
    "curve_nfe": [2],
    "sample_batch": 33,
    "scores": ["recognition", "samples", "probe"],
    "budget_flops": {"generation": 3e7, "recognition": 3e7},
}
FAILS = """
import torch
from torch import nn
from paradigms.base import Paradigm, Stage


class Fails(Paradigm):
    title, era, reference, task = "fails", "none", "none", "recognition"

    def __init__(self, shape, n_classes):
        super().__init__(shape, n_classes)
        self.net = nn.Linear(64, n_classes)

    def stages(self):
        return [Stage("fit", list(self.net.parameters()), self.loss)]

    def loss(self, batch):
        if torch.distributed.is_initialized() and torch.distributed.get_rank() == 1:
            raise ValueError("the second rank fails")
        return nn.functional.cross_entropy(self.logits(batch.x), batch.label)

    def logits(self, x):
        return self.net(x.flatten(1))
"""


def cell_on(devices, variant):
    """A small cell."""
    preset = grid([], devices=devices, variants={"mine": variant}, **SETTINGS)
    (cell,) = cells_of(preset, "quality")
    return cell.model_copy(update={"data_hash": data.load("digits").hash})


def run(folder, devices, variant):
    """The record of a cell that its process, here this one, has run."""
    cell = cell_on(devices, variant)
    work = folder / ".work" / cell.work_stem
    work.mkdir(parents=True)
    spec = work / "spec.json"
    spec.write_text(json.dumps({"cell": cell.model_dump(), "results_dir": str(folder)}))
    worker.main(str(spec))
    return records.read(records.path_of(folder, cell))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Records of one cell on one and on two devices, and their weights."""
    found = []
    for devices in (1, 2):
        folder = tmp_path_factory.mktemp("devices")
        record = run(folder, devices, Variant(paradigm="sdae", options={"widths": [16]}))
        assert record["status"] == "done", record["reason"]
        found.append((record, load(folder / "trained" / record["trained"] / "end.safetensors", "cpu")))
    return found


def test_two_devices_give_the_numbers_of_one(pair):
    (one, weights), (two, others) = pair
    assert [one["training"][cost] for cost in ("updates", "flops", "images")] == [
        two["training"][cost] for cost in ("updates", "flops", "images")
    ]
    # Rounding in float32; that nothing else differs is shown in float64 in tests/paradigms/training.
    assert max(float((others[name] - value).abs().max()) for name, value in weights.items()) < 1e-3
    for mine, theirs in zip(one["quality"]["samples"], two["quality"]["samples"], strict=True):
        assert theirs["nfe"] == mine["nfe"] and theirs["n_samples"] == mine["n_samples"]
        assert theirs["fid"] == pytest.approx(mine["fid"], rel=1e-2)
    for score in ("accuracy", "knn_accuracy"):
        assert two["quality"]["recognition"][score] == pytest.approx(one["quality"]["recognition"][score], abs=0.01)


def test_the_record_says_what_each_device_did(pair):
    (one, _), (two, _) = pair
    assert "devices" not in one["training"] and two["cell"]["devices"] == 2
    found = two["training"]["devices"]
    assert found["n"] == 2 and len(found["peak_memory_bytes_per_device"]) == 2
    assert found["peak_memory_bytes"] == sum(found["peak_memory_bytes_per_device"]) > 2 * 50e6
    assert found["images_per_second"] == pytest.approx(2 * found["images_per_second_per_device"])
    assert found["images_per_second"] == pytest.approx(two["training"]["images"] / two["training"]["seconds"])


def test_a_rank_that_fails_is_named_in_the_record(tmp_path):
    (tmp_path / "fails.py").write_text(FAILS)
    record = run(tmp_path, 2, Variant(paradigm=str(tmp_path / "fails.py")))
    assert record["status"] == "failed"
    assert record["reason"] == "RankEnded: rank 1: ValueError: the second rank fails"


SRUN = """#!/bin/bash
echo "$@" >> {log}
[ -e {folder}/refuses ] && {{ echo "srun: error: Unable to create step" >&2; exit 1; }}
while [[ "$1" == --* ]]; do shift; done
export SLURM_LAUNCH_NODE_IPADDR=127.0.0.1
"$@"
exit $?
"""


@pytest.fixture
def two_nodes(tmp_path, monkeypatch):
    """Stand-ins for Slurm's commands in a job of two nodes, both of which are this machine; the log of srun."""
    folder = tmp_path / "commands"
    folder.mkdir()
    write(folder / "scontrol", "#!/bin/bash\n[ \"$*\" = 'show hostnames n[1-2]' ] && printf 'n1\\nn2\\n'\n")
    write(folder / "srun", SRUN.format(log=folder / "log", folder=folder))
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("SLURM_JOB_NODELIST", "n[1-2]")
    monkeypatch.setenv("ALEXNET_MOMENT_NODES", "2")
    monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)
    return folder


def test_two_devices_of_two_nodes_give_the_weights_of_two_of_one_machine_to_the_bit(pair, tmp_path, two_nodes):
    record = run(tmp_path / "results", 2, Variant(paradigm="sdae", options={"widths": [16]}))
    assert record["status"] == "done", record["reason"]
    found = load(tmp_path / "results" / "trained" / record["trained"] / "end.safetensors", "cpu")
    _, weights = pair[1]
    assert found.keys() == weights.keys() and all(torch.equal(found[name], value) for name, value in weights.items())
    (step,) = (two_nodes / "log").read_text().splitlines()
    assert "--nodelist=n2" in step and step.endswith(" 0")
    assert "GLOO_SOCKET_IFNAME" not in os.environ


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        (137, MemoryError, "killed from outside .signal 9"),  # srun's code for a task that SIGKILL has ended
        (1, RankEnded, "ended with exit code 1; the log may say why"),
    ],
)
def test_a_rank_that_leaves_no_reason_is_named_with_its_node(tmp_path, code, kind, said):
    others = {"rank 1 on n2": subprocess.Popen(["sh", "-c", f"exit {code}"])}
    with pytest.raises(kind, match=f"rank 1 on n2: {said}"):
        _blame_the_first(RuntimeError("connection closed"), others, tmp_path)


def test_a_reason_that_is_younger_than_the_first_failure_is_not_its_cause(tmp_path):
    reason = tmp_path / "rank-1.json"
    reason.write_text(json.dumps({"type": "ValueError", "said": "wrong"}))
    others = {"rank 1 on n2": subprocess.Popen(["sh", "-c", "exit 1"])}
    with pytest.raises(RankEnded, match="rank 1 on n2: ValueError: wrong"):
        _blame_the_first(RuntimeError("connection closed"), others, tmp_path)
    os.utime(reason, (2**32, 2**32))
    _blame_the_first(RuntimeError("connection closed"), others, tmp_path)


def test_a_step_that_slurm_refuses_ends_the_cell_at_once(tmp_path, two_nodes):
    (two_nodes / "refuses").touch()
    record = run(tmp_path / "results", 2, Variant(paradigm="sdae", options={"widths": [16]}))
    assert record["reason"] == "RankEnded: rank 1 on n2: ended with exit code 1; the log may say why"


def cells(devices, kind="quality", **changes):
    return cells_of(grid(["Succeed"], devices=devices, **changes), kind)


def test_one_device_is_part_of_no_key():
    (without,), (one,), (two,) = cells_of(grid(["Succeed"]), "quality"), cells(1), cells(2)
    assert without.key == one.key and without.train_key == one.train_key
    assert two.train_key != one.train_key


def test_cells_on_several_devices_have_no_timing_cells():
    assert cells(1, "timing") and not cells(2, "timing")


def test_a_cell_counts_for_as_many_cores_as_it_has_processes(monkeypatch):
    monkeypatch.setattr(capacity, "cores", lambda: 8)
    assert [capacity.default_jobs(cells(n, threads=2)[0]) for n in (1, 2, 4)] == [4, 2, 1]
    capacity.refuse_devices(cells(8)[0])
    with pytest.raises(
        BadInput, match=r"devices = 9: this machine has 8 CPU cores; allowed: 1 to 8; .*--slurm nodes=N"
    ):
        capacity.refuse_devices(cells(9)[0])


def test_a_cell_gets_gpus_of_its_own(monkeypatch, tmp_path):
    monkeypatch.setattr(capacity, "gpus", lambda: ("0", "1", "2", "3"))
    cell = cells(2)[0].model_copy(update={"device": "cuda"})
    assert capacity.default_jobs(cell) == 2
    engine = Local(tmp_path)
    gpu, placement = engine._placed(cell)
    assert gpu == placement["gpu"] == "0,1" and placement["cells_per_gpu"] == 1
    engine.running = [type("Running", (), {"gpu": gpu})]
    assert engine._placed(cell)[0] == "2,3"


def test_engines_request_all_devices_of_a_cell_on_one_machine(tmp_path):
    cell = cells(4, threads=2)[0].model_copy(update={"device": "cuda"})
    assert _resources(cell) == {"CPU": 8.0, "GPU": 4.0}
    script = Slurm(tmp_path, None, worker="w").script([cell], tmp_path / "specs")
    assert {"#SBATCH --cpus-per-task=8", "#SBATCH --nodes=1", "#SBATCH --gpus=4"} <= set(script.splitlines())
    assert "ALEXNET_MOMENT_NODES" not in script


def test_a_cell_counts_its_gpus_of_this_node_alone(monkeypatch, tmp_path):
    monkeypatch.setattr(capacity, "gpus", lambda: ("0", "1"))
    cell = cells(4)[0].model_copy(update={"device": "cuda"})
    gpu, placement = Local(tmp_path, 1)._placed(cell)
    assert gpu == "0,1" and placement["cells_per_gpu"] == 1


def test_devices_that_do_not_divide_a_batch_are_refused_before_anything_runs():
    with pytest.raises(BadInput, match="devices = 3: stage 'flow matching' has batches of 64 images"):
        preflight.check(Variant(paradigm="diffusion"), "here", data.load("digits"), [1], 3)
