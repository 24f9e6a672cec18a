"""Every way in which a worker can end, and which cells run when."""

import os

from benchmarks.execute import capacity
from benchmarks.execute.bounded_log import LIMIT_BYTES, TAIL_BYTES
from benchmarks.execute.capacity import default_jobs
from benchmarks.execute.engines.local import Local
from benchmarks.execute.session import Place, execute
from benchmarks.store import records
from tests.benchmarks.conftest import FAKE_WORKER, alive, cells_of, grid


class Heard:
    """A watch that stores what it is called with."""

    def __init__(self):
        self.ended, self.most = [], 0

    def finished(self, cell, record, seconds):
        self.ended.append((cell.place, record["status"]))

    def tick(self, running, waits):
        self.most = max(self.most, len(running))


def run(tmp_path, acts, jobs=8, **changes):
    """Records of the quality cells by act, after a run with 0.2 s between SIGTERM and SIGKILL."""
    cells = cells_of(grid(acts, **changes), "quality")
    executor = Local(tmp_path, jobs, worker=FAKE_WORKER, grace_seconds=0.2)
    executor.run(cells, heard := Heard())
    assert len(heard.ended) == len(cells)
    return {cell.options["act"]: records.read(records.path_of(tmp_path, cell)) for cell in cells}


def test_every_way_to_fail_becomes_a_record_with_a_reason_and_other_cells_go_on(tmp_path):
    acts = ["succeed", "crash", "say nothing", "SIGSEGV", "SIGKILL", "SIGTERM", "diverge", "another key"]
    acts += ["closed descriptors"]
    found = run(tmp_path, acts)
    assert {act: record["status"] for act, record in found.items()} == {
        "succeed": "done",
        "crash": "failed",
        "say nothing": "failed",
        "SIGSEGV": "failed",
        "SIGKILL": "oom",
        "SIGTERM": "interrupted",
        "diverge": "non_finite",
        "another key": "failed",
        "closed descriptors": "done",
    }
    assert found["crash"]["reason"].endswith("last log line: RuntimeError: the worker fell over")
    assert "exit code 0 and no record" in found["say nothing"]["reason"]
    assert "SIGSEGV" in found["SIGSEGV"]["reason"]
    assert found["crash"]["cell"]["title"] and found["crash"]["provenance"]["cpu_count"]
    assert not any("\n" in (record["reason"] or "") for record in found.values())


def test_a_cell_that_prints_without_end_has_a_log_of_bounded_size_with_its_last_line(tmp_path):
    record = run(tmp_path, ["chatter"])["chatter"]
    assert record["status"] == "failed" and record["reason"].endswith("RuntimeError: the last line")
    (log,) = tmp_path.rglob("log.txt")
    assert LIMIT_BYTES < log.stat().st_size < LIMIT_BYTES + TAIL_BYTES + 1000
    assert "bytes of output are left out here" in log.read_text()


def test_a_cell_past_its_time_limit_gets_sigterm_and_then_sigkill(tmp_path):
    found = run(tmp_path, ["hang", "stubborn", "succeed"], limit_seconds=1.0)
    assert [found[act]["status"] for act in ("hang", "stubborn", "succeed")] == ["timeout", "timeout", "done"]
    assert "1 s" in found["hang"]["reason"]
    assert (tmp_path / "sigterm-hang").exists() and (tmp_path / "sigterm-stubborn").exists()
    assert not alive(tmp_path)


def test_a_cell_that_signals_its_parent_ends_no_other_cell(tmp_path):
    acts = ["parent gets SIGTERM", "parent gets SIGHUP", "parent gets SIGINT", "succeed"]
    found = run(tmp_path, acts)
    assert {act: record["status"] for act, record in found.items()} == dict.fromkeys(acts, "done")
    assert len(list((tmp_path / "pids").iterdir())) == len(acts), "no cell has run twice"


def test_a_cell_that_kills_its_parent_is_named_and_the_cells_beside_it_are_done(tmp_path):
    acts = ["succeed", "parent gets SIGKILL", "diverge"]
    variants = {
        act.split()[-1].lower(): {"paradigm": "diffusion", "options": {"act": act, "seconds": 0.4}} for act in acts
    }
    found = run(tmp_path, [], jobs=3, variants=variants)
    assert [found[act]["status"] for act in acts] == ["done", "oom", "non_finite"]
    assert "the process that starts cells was killed 3 times while this one ran" in found[acts[1]]["reason"]


def test_quality_cells_come_first_and_timing_cells_one_at_a_time(tmp_path):
    cells = cells_of(grid(["succeed", "diverge"], seeds=2))
    watches = []

    class Strict(Heard):
        def tick(self, running, waits):
            super().tick(running, waits)
            watches.append([job.cell.kind for job in running])

    Local(tmp_path, 2, worker=FAKE_WORKER).run(cells[::-1], heard := Strict())
    assert heard.most == 2
    assert [place.endswith("timing") for place, _ in heard.ended] == [False] * 4 + [True] * 2
    assert all(kinds in ([], ["timing"]) for kinds in watches if "timing" in kinds)


def test_the_record_of_an_earlier_failure_is_replaced(tmp_path):
    (cell,) = cells_of(grid(["say nothing"]), "quality")
    records.write(records.path_of(tmp_path, cell), records.opening(cell, "non_finite", "an old reason"))
    assert run(tmp_path, ["say nothing"])["say nothing"]["status"] == "failed"


def test_finished_cells_are_skipped_and_all_others_are_tried_again(tmp_path, capsys):
    cells = cells_of(grid(["succeed", "crash"]), "quality")
    first = execute(cells, Place(tmp_path, jobs=2), FAKE_WORKER)
    again = execute(cells, Place(tmp_path, jobs=2), FAKE_WORKER)
    assert again[0] == first[0] and again[1]["status"] == "failed"
    assert len(list((tmp_path / "pids").glob("succeed.*"))) == 1
    assert len(list((tmp_path / "pids").glob("crash.*"))) == 2
    assert "1 already done" in capsys.readouterr().err


def test_a_damaged_record_is_named_and_its_cell_runs_again(tmp_path, capsys):
    (cell,) = cells_of(grid(["succeed"]), "quality")
    (path := records.path_of(tmp_path, cell)).parent.mkdir()
    path.write_text('{"schema": 1, "ki')
    assert execute([cell], Place(tmp_path), FAKE_WORKER)[0]["status"] == "done"
    assert path.name in capsys.readouterr().err and (tmp_path / "damaged" / path.name).exists()


def test_default_jobs_follow_device_cores_and_threads(monkeypatch):
    cell = cells_of(grid(["a"]))[0]
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    jobs = {threads: default_jobs(cell.model_copy(update={"threads": threads})) for threads in (1, 2, 3, 32)}
    assert jobs == {1: 16, 2: 8, 3: 5, 32: 1}
    gpu = cell.model_copy(update={"device": "cuda"})
    monkeypatch.setattr(capacity, "gpus", lambda: ("0", "1", "MIG-3"))
    assert default_jobs(gpu) == 3
    monkeypatch.setattr(capacity, "gpus", lambda: ())
    assert default_jobs(gpu) == 1
