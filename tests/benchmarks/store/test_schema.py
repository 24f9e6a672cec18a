"""A record is checked once, when it is read: what the report relies on has the type that it relies on."""

import copy
import json
import lzma

import pytest

from benchmarks import worker
from benchmarks.store import records
from tests import ROOT
from tests.benchmarks import fake_run
from tests.benchmarks.store.test_precision import PLAIN
from tests.benchmarks.train.plug_in import executed, training_cell

REFERENCE = sorted(path for path in (ROOT / "results" / "reference").iterdir() if path.is_dir())
QUALITY, TIMING = fake_run.quality("diffusion", 0), fake_run.timing("diffusion")


def read(tmp_path, record):
    path = tmp_path / "a.json"
    path.write_text(json.dumps(record))
    return records.read(path)


def changed(record, place, value):
    """The record with the value at a place such as "quality.samples.0.fid" replaced."""
    record = at = copy.deepcopy(record)
    *parents, last = [int(step) if step.isdigit() else step for step in place.split(".")]
    for step in parents:
        at = at[step]
    at[last] = value
    return record


@pytest.mark.parametrize("folder", REFERENCE, ids=lambda path: path.name)
def test_every_committed_record_fits(folder):
    found = dict(records.in_folder(folder))
    assert not [str(record) for record in found.values() if not isinstance(record, dict)]


def test_parts_may_be_missing_and_unknown_keys_are_kept(tmp_path):
    for record in (QUALITY, TIMING, fake_run.failed("dbn", 0, "oom", "killed")):
        assert read(tmp_path, record | {"of a later version": {"a": [1]}})["of a later version"] == {"a": [1]}
    assert read(tmp_path, changed(QUALITY, "quality.samples.0.new_metric", "words"))
    assert read(tmp_path, QUALITY | {"quality": None, "provenance": None, "training": None})


@pytest.mark.parametrize(
    ("record", "place", "value"),
    [
        (QUALITY, "schema", 3),
        (QUALITY, "kind", "qualty"),
        (QUALITY, "key", 7),
        (QUALITY, "status", "finished"),
        (QUALITY, "reason", ["a"]),
        (QUALITY, "cell", None),
        (QUALITY, "cell.variant", None),
        (QUALITY, "cell.repetition", "0"),
        (QUALITY, "cell.options", []),
        (QUALITY, "cell.nfe.0", "1"),
        (QUALITY, "provenance.dirty", "no"),
        (QUALITY, "provenance.threads", "two"),
        (QUALITY, "training.flops", "1e12"),
        (QUALITY, "training.stages.0.updates", None),
        (QUALITY, "training.stages.0.loss_curve.0", [0]),
        (QUALITY, "training.stages.0.loss_curve.3.1", "0.5"),
        (QUALITY, "quality.accuracy", "0.97"),
        (QUALITY, "quality.accuracy", True),
        (QUALITY, "quality.samples", {}),
        (QUALITY, "quality.samples.0.fid", "47.5"),
        (QUALITY, "quality.samples.0.fid", float("nan")),
        (QUALITY, "quality.samples.1.sampler", None),
        (QUALITY, "quality.samples.1.precision", [0.5]),
        (QUALITY, "quality.curve.0.flops", "many"),
        (QUALITY, "quality.curve.0.samples.0.fid_ratio", float("inf")),
        (QUALITY, "quality.sampling_noise.0.fid_ratios.1", "1"),
        (QUALITY, "quality.reach.coverage", "all"),
        (QUALITY, "quality.mismatch.amplification", False),
        (TIMING, "timing.exclusive", "yes"),
        (TIMING, "timing.train_images_per_second", "fast"),
        (TIMING, "timing.stages.0.step_seconds_median", [0.1]),
        (TIMING, "timing.samples.0.sample_ms_per_image", "1.5"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_value_of_another_type_is_damage_that_names_place_and_value(tmp_path, record, place, value):
    with pytest.raises(records.DamagedRecord, match=r"a\.json: ") as error:
        read(tmp_path, changed(record, place, value))
    line = str(error.value)
    assert place in line and "\n" not in line
    assert str(value) in line or repr(value) in line


def test_a_worker_whose_scores_do_not_fit_leaves_a_record_that_says_so(tmp_path, monkeypatch):
    cell = training_cell(tmp_path / "mine.py", PLAIN)
    monkeypatch.setitem(worker.RUN, "training", lambda *_: {"quality": {"accuracy": "high"}})
    record = executed(cell, tmp_path)
    assert record["status"] == "failed" and record["provenance"]["cpu_count"]
    assert record["reason"].endswith("quality.accuracy = 'high'; it must be: a valid number")


def test_a_missing_key_is_named(tmp_path):
    record = copy.deepcopy(QUALITY)
    del record["quality"]["samples"][2]["sampler"]
    with pytest.raises(records.DamagedRecord, match=r"quality\.samples\.2\.sampler is missing"):
        read(tmp_path, record)


def test_a_large_value_is_shown_in_short(tmp_path):
    with pytest.raises(records.DamagedRecord) as error:
        read(tmp_path, QUALITY | {"cell": ["x" * 10_000] * 1000})
    assert len(str(error.value)) < 300


def test_a_record_of_an_archive_that_does_not_fit_is_left_out_alone(tmp_path):
    for repetition in (0, 1):
        fake_run.write(tmp_path, fake_run.quality("diffusion", repetition))
    path = fake_run.write(tmp_path, fake_run.quality("dbn", 0))
    records.pack(tmp_path)
    bad = changed(fake_run.quality("dbn", 0), "quality.accuracy", "0.97")
    archive = dict(records.in_folder(tmp_path)) | {path.name: bad}
    lines = "".join(json.dumps([name, record]) + "\n" for name, record in archive.items())
    (tmp_path / records.ARCHIVE).write_bytes(lzma.compress(lines.encode()))
    found = dict(records.in_folder(tmp_path))
    assert len(found) == 3 and isinstance(found.pop(path.name), records.DamagedRecord)
    assert all(isinstance(record, dict) for record in found.values())
