"""What is submitted to Slurm and how it is watched, with commands in place of Slurm's that run the script at once."""

import pytest

from benchmarks.errors import BadInput
from benchmarks.execute.engines import slurm
from benchmarks.execute.engines.slurm import Slurm
from benchmarks.store import records
from tests.benchmarks.conftest import FAKE_WORKER, cells_of, grid, slow_cells
from tests.benchmarks.execute.test_local import Heard
from tests.benchmarks.stand_ins import write

SBATCH = """#!/bin/bash
job=$(($(ls {folder}/jobs | wc -l) + 1))
touch {folder}/jobs/$job
size=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$2")
for index in $(seq 0 $size); do
  SLURM_ARRAY_TASK_ID=$index {how} bash "$2" < /dev/null > {folder}/$job.$index.txt 2>&1
done
echo "$job;cluster"
"""
COMMANDS = {
    "sacct": "#!/bin/bash\necho 'Slurm accounting storage is disabled' >&2\nexit 1\n",
    "squeue": "#!/bin/bash\ncat {folder}/queue 2>/dev/null || exit 0\n",
    "scontrol": "#!/bin/bash\necho 'MaxArraySize            = 3'\n",
    "sinfo": "#!/bin/bash\necho '2/4/0/6'\n",
}


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    """A folder of commands; its file `queue` is what squeue prints."""
    folder = tmp_path / "cluster"
    (folder / "jobs").mkdir(parents=True)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setattr(slurm, "WATCH_SECONDS", 0.05)
    monkeypatch.setattr(slurm, "QUEUE_SECONDS", 0.0)
    for name, text in (COMMANDS | {"sbatch": SBATCH}).items():
        write(folder / name, text.format(folder=folder, how=""))
    return folder


@pytest.fixture
def results(tmp_path):
    (tmp_path / "results of é" / ".work").mkdir(parents=True)
    return tmp_path / "results of é"


def test_arrays_have_the_allowed_size_and_timing_cells_come_last_one_at_a_time(cluster, results):
    cells = slow_cells(0.0)
    Slurm(results, 5, worker=FAKE_WORKER).run(cells, heard := Heard())
    assert [status for _, status in heard.ended] == ["done"] * 4 and heard.ended[-1][0].endswith("timing")
    scripts = [path.read_text() for path in sorted((results / ".work/slurm").glob("*.sh"))]
    assert [line for script in scripts for line in script.splitlines() if "--array" in line] == [
        "#SBATCH --array=0-1%5",
        "#SBATCH --array=0-0%5",
        "#SBATCH --array=0-0%1",
    ]


def test_the_script_asks_for_what_the_preset_says_and_for_the_options_given(cluster, results):
    cell = cells_of(grid(["a"], limit_seconds=600.0, memory_gib=1.5, threads=3))[0]
    engine = Slurm(results, worker=FAKE_WORKER, options=["partition=gpu", "exclusive"])
    lines = engine.script([cell.model_copy(update={"device": "cuda"})], results / "specs").splitlines()
    wanted = "cpus-per-task=3 mem=1536M time=15 gpus=1 requeue partition=gpu exclusive".split()
    assert {f"#SBATCH --{option}" for option in wanted} < set(lines)
    assert f"#SBATCH --output='{results}/.work/slurm/%A_%a.txt'" in lines, "sbatch splits a line at blanks"
    assert engine.slots(cell) == 2
    with pytest.raises(BadInput, match="--slurm '-p gpu': must be KEY=VALUE"):
        Slurm(results, worker=FAKE_WORKER, options=["-p gpu"])


def wide(devices, **changes):
    """A cell on several GPUs."""
    return cells_of(grid(["a"], devices=devices, **changes))[0].model_copy(update={"device": "cuda"})


def test_the_script_of_a_cell_on_several_nodes_asks_for_the_share_of_each(results):
    engine = Slurm(results, worker=FAKE_WORKER, options=["nodes=2", "partition=gpu"])
    lines = engine.script([wide(8, memory_gib=1.0, threads=3)], results / "specs").splitlines()
    wanted = "cpus-per-task=12 mem=4096M ntasks-per-node=1 gpus-per-node=4 nodes=2 partition=gpu".split()
    assert {f"#SBATCH --{option}" for option in wanted} < set(lines)
    assert "export ALEXNET_MOMENT_NODES=2" in lines
    assert not [line for line in lines if "--nodes=1" in line or "--gpus=" in line]


def test_one_node_given_is_the_default(results):
    given, default = (Slurm(results, worker=FAKE_WORKER, options=options) for options in (["nodes=1"], []))
    lines = [engine.script([wide(2)], results / "specs").splitlines() for engine in (given, default)]
    assert set(lines[0]) == set(lines[1]) and "#SBATCH --gpus=2" in lines[0]


@pytest.mark.parametrize("nodes", ["3", "0", "2-4", ""])
def test_nodes_that_do_not_divide_the_devices_are_refused_in_one_line(results, nodes):
    engine = Slurm(results, worker=FAKE_WORKER, options=[f"nodes={nodes}"])
    said = f"--slurm nodes={nodes}: must divide the devices of a cell, of which preset 'tiny' has 4; allowed: 1, 2, 4;"
    with pytest.raises(BadInput, match=said):
        engine.script([wide(4)], results / "specs")


def test_a_task_that_leaves_the_queue_without_a_record_is_submitted_three_times(cluster, results):
    write(cluster / "sbatch", SBATCH.format(folder=cluster, how="true"))
    (cell,) = cells_of(grid(["succeed"]), "quality")
    Slurm(results, worker=FAKE_WORKER).run([cell], heard := Heard())
    assert heard.ended == [(cell.place, "failed")] and len(list((cluster / "jobs").iterdir())) == 3
    assert "ended 3 times without a record" in records.read(records.path_of(results, cell))["reason"]


def accounts(cluster, *states):
    """Let sacct say that the first task of the first job ended in the first of these states, and so on."""
    said = "".join(f"{job}_0|{state}\n" for job, state in enumerate(states, 1))
    write(cluster / "sacct", f"#!/bin/bash\nprintf '{said}'\n")


def test_a_preempted_task_is_submitted_again_as_often_as_it_takes(cluster, results):
    write(cluster / "sbatch", SBATCH.format(folder=cluster, how="true"))
    accounts(cluster, *["PREEMPTED", "NODE_FAIL", "PREEMPTED"], *["CANCELLED by 0", "FAILED", "NODE_FAIL", "FAILED"])
    (cell,) = cells_of(grid(["succeed"]), "quality")
    Slurm(results, worker=FAKE_WORKER).run([cell], heard := Heard())
    assert heard.ended == [(cell.place, "failed")] and len(list((cluster / "jobs").iterdir())) == 7
    said = records.read(records.path_of(results, cell))["reason"]
    assert "ended 3 times without a record, the last time in state FAILED" in said


def test_a_task_that_exceeded_its_memory_is_not_submitted_again(cluster, results):
    write(cluster / "sbatch", SBATCH.format(folder=cluster, how="true"))
    accounts(cluster, "OUT_OF_MEMORY")
    (cell,) = cells_of(grid(["succeed"]), "quality")
    Slurm(results, worker=FAKE_WORKER).run([cell], heard := Heard())
    assert heard.ended == [(cell.place, "oom")] and len(list((cluster / "jobs").iterdir())) == 1
    assert "by its memory limit" in records.read(records.path_of(results, cell))["reason"]


def test_tasks_in_the_queue_are_watched_and_not_submitted_again(cluster, results, capsys):
    write(cluster / "sbatch", SBATCH.format(folder=cluster, how="true"))
    (cluster / "queue").write_text("1_0 PENDING\n")
    (cell,) = cells_of(grid(["succeed"]), "quality")

    class Leaving(Heard):
        def tick(self, running, waits):
            assert waits == ["succeed.digits.s0, which is in Slurm's queue"]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Slurm(results, worker=FAKE_WORKER).run([cell], Leaving())
    assert (
        "jobs 1 go on in Slurm; to watch them, repeat the command; to cancel them: scancel 1" in capsys.readouterr().err
    )

    class Writing(Heard):
        def tick(self, running, waits):
            records.write(records.path_of(results, cell), records.opening(cell, "done"))

    Slurm(results, worker=FAKE_WORKER).run([cell], heard := Writing())
    assert heard.ended == [(cell.place, "done")] and len(list((cluster / "jobs").iterdir())) == 1


def test_a_controller_that_does_not_answer_ends_nothing(cluster, results):
    write(cluster / "sbatch", SBATCH.format(folder=cluster, how="true"))
    write(cluster / "squeue", "#!/bin/bash\necho 'Unable to contact slurm controller' >&2\nexit 1\n")
    (cell,) = cells_of(grid(["succeed"]), "quality")

    class Patient(Heard):
        ticks = 0

        def tick(self, running, waits):
            self.ticks += 1
            if self.ticks == 5:
                records.write(records.path_of(results, cell), records.opening(cell, "done"))

    Slurm(results, worker=FAKE_WORKER).run([cell], heard := Patient())
    assert heard.ended == [(cell.place, "done")] and len(list((cluster / "jobs").iterdir())) == 1


def test_a_refused_job_and_a_missing_sbatch_are_one_line(cluster, results, monkeypatch):
    write(cluster / "sbatch", "#!/bin/bash\necho 'sbatch: error: invalid partition\nmore' >&2\nexit 1\n")
    cells = cells_of(grid(["succeed"]), "quality")
    with pytest.raises(BadInput, match=r"sbatch refuses the job: .*invalid partition more; script: .*\.sh"):
        Slurm(results, worker=FAKE_WORKER).run(cells, Heard())
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BadInput, match="there is no sbatch here"):
        Slurm(results, worker=FAKE_WORKER).run(cells, Heard())
