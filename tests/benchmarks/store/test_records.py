import json
import math
import signal
import subprocess
import sys
import time

import pytest

from benchmarks.store import parsing, records
from tests import ROOT
from tests.benchmarks.conftest import cells_of, grid


@pytest.fixture
def cell():
    return cells_of(grid(["a"]))[0]


def store(folder, cell, status="done", **more):
    records.write(records.path_of(folder, cell), records.opening(cell, status) | more)
    return records.path_of(folder, cell)


def test_a_record_comes_back_as_it_was_written(tmp_path, cell):
    stage = {"name": "all", "updates": 1, "flops": 8, "loss_curve": [[0, 1.5]]}
    record = records.opening(cell, "done") | {"training": {"stages": [stage]}}
    records.write(tmp_path / "deep" / "a.json", record)
    assert records.read(tmp_path / "deep" / "a.json") == record


def test_numbers_that_are_not_finite_become_null_at_any_depth(tmp_path, cell):
    path = store(tmp_path, cell, fid=math.nan, curve=[{"loss": math.inf}, (1.0, -math.inf)])
    assert (records.read(path)["fid"], records.read(path)["curve"]) == (None, [{"loss": None}, [1.0, None]])
    assert "NaN" not in path.read_text() and "Infinity" not in path.read_text()


def test_a_record_starts_with_the_facts_of_its_class_and_the_title_of_its_variant(cell):
    opened = records.opening(cell, "done")["cell"]
    assert opened["task"] == "generation" and opened["title"].startswith("Diffusion")
    assert records.opening(cell.model_copy(update={"title": "Mine"}), "done")["cell"]["title"] == "Mine"


def test_a_write_that_fails_leaves_the_old_record_and_no_litter(tmp_path, cell):
    path = store(tmp_path, cell, result=1)
    with pytest.raises(TypeError):
        store(tmp_path, cell, result=2, bad=object())
    assert records.read(path)["result"] == 1
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_write_replaces_the_file_instead_of_changing_it(tmp_path, cell):
    path = store(tmp_path, cell, result=1)
    (tmp_path / "held").hardlink_to(path)
    store(tmp_path, cell, result=2)
    assert (records.read(tmp_path / "held")["result"], records.read(path)["result"]) == (1, 2)


def test_a_writer_killed_at_any_moment_leaves_a_whole_record(tmp_path):
    path = tmp_path / "a.json"
    script = (
        "import sys; from pathlib import Path; from benchmarks.store import records\n"
        "for n in range(10**9):\n"
        "    cell = {'variant': 'a', 'dataset': 'digits', 'repetition': 0}\n"
        "    base = {'schema': 1, 'kind': 'quality', 'key': 'k', 'status': 'done', 'cell': cell}\n"
        "    records.write(Path(sys.argv[1]), base | {'n': n, 'body': [n] * 20_000})\n"
    )
    for seconds in (0.01, 0.1):
        writer = subprocess.Popen([sys.executable, "-c", script, str(path)], cwd=ROOT)
        while not path.exists():
            assert writer.poll() is None, "the writer fell over"
            time.sleep(0.005)
        time.sleep(seconds)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        record = records.read(path)
        assert record["body"] == [record["n"]] * 20_000
        path.unlink()


@pytest.mark.parametrize(
    "text",
    ["", "{", '{"schema": 1', "[]", '{"schema": 2}', '{"schema": 1, "kind": "quality"}', "\x00\xff", None],
)
def test_a_damaged_record_is_named_in_one_line(tmp_path, text):
    path = tmp_path / "a.json"
    if text is not None:
        path.write_bytes(text.encode("latin-1"))
    with pytest.raises(records.DamagedRecord, match=r"a\.json") as error:
        records.read(path)
    assert "\n" not in str(error.value)


def test_a_status_that_does_not_exist_is_damage(tmp_path, cell):
    with pytest.raises(records.DamagedRecord, match="finished"):
        records.read(store(tmp_path, cell, status="finished"))


def test_only_a_record_that_says_done_under_the_right_key_counts_as_done(tmp_path, cell):
    assert not records.done(tmp_path, cell)
    for status in records.STATUSES:
        store(tmp_path, cell, status=status)
        assert records.done(tmp_path, cell) == (status == "done")
    store(tmp_path, cell, key="0" * 64)
    assert not records.done(tmp_path, cell)


def test_a_damaged_record_is_set_aside_and_named(tmp_path, cell):
    path = store(tmp_path, cell)
    path.write_text(path.read_text()[:100])
    (line,) = records.arrange(tmp_path, [cell])
    assert path.name in line and "runs again" in line
    assert not path.exists() and (tmp_path / "damaged" / path.name).exists()


def test_a_record_made_otherwise_goes_to_stale_and_comes_back_when_asked_for_again(tmp_path, cell):
    other = cell.model_copy(update={"budget_flops": 2.0})
    neighbour = cell.model_copy(update={"repetition": 10})
    store(tmp_path, cell, result=1)
    store(tmp_path, neighbour)
    records.arrange(tmp_path, [other])
    assert not records.path_of(tmp_path, cell).exists() and records.done(tmp_path, neighbour)
    store(tmp_path, other, result=2)
    records.arrange(tmp_path, [cell])
    assert records.read(records.path_of(tmp_path, cell))["result"] == 1
    assert not records.path_of(tmp_path, other).exists()
    assert json.loads((tmp_path / "stale" / f"{other.stem}.json").read_text())["result"] == 2


def test_reading_takes_memory_for_the_file_and_not_for_the_largest_allowed_one(tmp_path, monkeypatch):
    (path := tmp_path / "a.json").write_text("{}")
    monkeypatch.setattr(parsing, "MAX_BYTES", 1 << 60)
    assert parsing.content(path) == b"{}"
