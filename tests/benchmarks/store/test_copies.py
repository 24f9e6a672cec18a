"""A copy of a record is no further seed: a record counts once, under its own name."""

import shutil

import pytest

from benchmarks.store import records
from tests.benchmarks.conftest import cells_of, grid
from tests.benchmarks.store.test_records import store

COPIES = [
    "{stem} (conflicted copy 2026-01-31).json",
    "{stem}.sync-conflict-20260131-120000-ABCDEFG.json",
    "{stem} copy.json",
    "{stem}~.json",
    "Copy of {stem}.json",
    "backup.{stem}.json",
]


@pytest.fixture
def cells():
    return cells_of(grid(["a", "b"], seeds=2), "quality")


def copied(folder, cell, name):
    path = records.path_of(folder, cell)
    return shutil.copy(path, path.with_name(name.format(stem=cell.stem)))


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_in_the_folder_is_left_out_and_named_in_one_line(tmp_path, cells, name):
    for cell in cells:
        store(tmp_path, cell)
    copy = copied(tmp_path, cells[0], name)
    found = dict(records.in_folder(tmp_path))
    kept = [name for name, record in found.items() if isinstance(record, dict)]
    assert kept == sorted(f"{cell.stem}.json" for cell in cells)
    (error,) = [record for record in found.values() if not isinstance(record, dict)]
    assert isinstance(error, records.DamagedRecord) and copy.name in str(error) and "\n" not in str(error)


@pytest.mark.parametrize("name", COPIES)
def test_a_run_sets_a_copy_aside_and_keeps_the_record(tmp_path, cells, name):
    store(tmp_path, cells[0])
    copy = copied(tmp_path, cells[0], name)
    (line,) = records.arrange(tmp_path, cells)
    assert copy.name in line and "damaged/" in line and "runs again" not in line and "\n" not in line
    assert not copy.exists() and (tmp_path / "damaged" / copy.name).exists()
    assert records.done(tmp_path, cells[0])
    assert records.arrange(tmp_path, cells) == []


def test_a_copy_beside_an_archive_is_left_out_and_the_archive_stays_as_it_is(tmp_path, cells):
    store(tmp_path, cells[0])
    records.pack(tmp_path)
    store(tmp_path, cells[0])
    copied(tmp_path, cells[0], COPIES[0]), copied(tmp_path, cells[0], COPIES[4])
    assert sum(isinstance(record, dict) for _, record in records.in_folder(tmp_path)) == 1
    assert records.pack(tmp_path) == 1


def test_two_variants_with_equal_settings_have_one_key_and_both_count(tmp_path):
    cells = cells_of(grid(["a"], seeds=1), "quality")
    twin = cells[0].model_copy(update={"variant": "another"})
    assert twin.key == cells[0].key
    for cell in (cells[0], twin):
        store(tmp_path, cell)
    assert all(isinstance(record, dict) for _, record in records.in_folder(tmp_path))
