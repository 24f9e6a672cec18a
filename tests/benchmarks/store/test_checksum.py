"""A record that was changed after it was written is noticed; one of an earlier version, without a checksum, is read."""

import json
import lzma
import os

import numpy as np
import pytest

from benchmarks.store import parsing, records
from tests.benchmarks import fake_run
from tests.benchmarks.store.test_schema import QUALITY, TIMING


def numbers(value, place=()):
    """The place of every number in a parsed record."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from numbers(item, (*place, key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield place


def with_another(record, place):
    changed = at = json.loads(json.dumps(record))
    for step in place[:-1]:
        at = at[step]
    at[place[-1]] += 1
    return changed


@pytest.mark.parametrize("record", [QUALITY, TIMING], ids=["quality", "timing"])
def test_every_changed_number_is_noticed(tmp_path, record):
    records.write(path := tmp_path / "a.json", record)
    written = json.loads(path.read_text())
    places = list(numbers(written))
    for index in np.random.RandomState(0).permutation(len(places))[:60]:
        path.write_text(json.dumps(with_another(written, places[index])))
        with pytest.raises(records.DamagedRecord, match=r"a\.json: ") as error:
            records.read(path)
        assert "\n" not in str(error.value)
    path.write_text(json.dumps(with_another(written, ("wall_seconds",))))
    with pytest.raises(records.DamagedRecord, match="changed since it was written"):
        records.read(path)


def test_a_record_of_an_earlier_version_has_no_checksum_and_is_read(tmp_path):
    (path := tmp_path / "a.json").write_text(json.dumps(QUALITY))
    assert records.read(path) == QUALITY


def test_layout_and_order_of_the_fields_may_change(tmp_path):
    records.write(path := tmp_path / "a.json", QUALITY)
    written = json.loads(path.read_text())
    path.write_text(json.dumps(dict(sorted(written.items())), indent=7))
    assert records.read(path) == QUALITY


def test_an_archive_keeps_the_checksums(tmp_path):
    name = f"{fake_run.stem(QUALITY)}.json"
    records.write(tmp_path / "cells" / name, QUALITY)
    records.pack(tmp_path)
    assert dict(records.in_folder(tmp_path)) == {name: QUALITY}
    archive = tmp_path / records.ARCHIVE
    line = lzma.decompress(archive.read_bytes())
    archive.write_bytes(lzma.compress(line.replace(b'"wall_seconds":60.0', b'"wall_seconds":61.0')))
    (error,) = dict(records.in_folder(tmp_path)).values()
    assert "changed since it was written" in str(error)


@pytest.mark.parametrize("name", ["../out.json", "/etc/out.json", "deep/in.json", "", 7])
def test_a_name_in_an_archive_that_is_a_path_is_damage(tmp_path, name):
    (tmp_path / "cells").mkdir()
    (outside := tmp_path / "out.json").write_text("{}")
    line = json.dumps([name, QUALITY]).encode()
    (tmp_path / records.ARCHIVE).write_bytes(lzma.compress(line))
    ((_, error),) = records.in_folder(tmp_path)
    assert isinstance(error, records.DamagedRecord) and "no name of a file" in str(error)
    records.arrange(tmp_path, [])
    assert outside.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000, "nested too deeply"),
        ('{"a":' * 5000 + "1" + "}" * 5000, "nested too deeply"),
        ('{"a": "\\ud800"}', "half of a character"),
        ('{"a": ' + "9" * 10_000 + "}", "Exceeds the limit"),
    ],
)
def test_json_that_no_reader_can_use_is_damage_in_one_line(tmp_path, text, said):
    (path := tmp_path / "a.json").write_text(text)
    with pytest.raises(records.DamagedRecord, match=said) as error:
        records.read(path)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_a_folder_and_a_pipe_in_place_of_a_record_are_damage(tmp_path):
    (tmp_path / "folder.json").mkdir()
    os.mkfifo(tmp_path / "pipe.json")
    for name in ("folder.json", "pipe.json"):
        with pytest.raises(records.DamagedRecord, match="is no file"):
            records.read(tmp_path / name)


def test_an_archive_unpacks_to_a_bounded_size(tmp_path, monkeypatch):
    monkeypatch.setattr(parsing, "MAX_BYTES", 1 << 20)
    archive = tmp_path / records.ARCHIVE
    archive.write_bytes(lzma.compress(bytes(1 << 22)))
    ((_, error),) = records.in_folder(tmp_path)
    assert "more than 1048576 bytes" in str(error)
    archive.write_bytes(archive.read_bytes()[:-20])
    ((_, error),) = records.in_folder(tmp_path)
    assert "truncated" in str(error) or "corrupt" in str(error).lower()


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("cell", "variant", "../../away"),
        ("cell", "dataset", "a/b"),
        ("cell", "dataset", "a\x1b[2J"),
        ("cell", "ancestor", "../other/trained/x"),
        (None, "samples_file", 7),
        (None, "samples_file", "/etc/passwd"),
        (None, "samples_file", "samples/../../x.npz"),
        (None, "trained", ".."),
    ],
)
def test_a_name_in_a_record_leads_nowhere_else(tmp_path, part, name, value):
    record = json.loads(json.dumps(QUALITY))
    (record[part] if part else record)[name] = value
    (path := tmp_path / "a.json").write_text(json.dumps(record))
    with pytest.raises(records.DamagedRecord, match=name) as error:
        records.read(path)
    assert str(error.value).isprintable()
