"""What a report says of the commit and the training code of its records."""

from __future__ import annotations

import pytest

from benchmarks.report import caption, tables
from benchmarks.report.frames import provenance, read
from benchmarks.report.frames.comparison import comparison
from benchmarks.report.frames.provenance import provenance_line
from tests.benchmarks import fake_run


def write(folder, variant: str, code: str | None) -> None:
    record = fake_run.quality(variant, 0, npz=False)
    if code:
        record["cell"]["train_code"] = code
    fake_run.write(folder, record)


@pytest.fixture
def todays(monkeypatch):
    monkeypatch.setattr(provenance, "todays_code", lambda paradigm: f"code of {paradigm}")


def test_unchanged_code_is_said_to_be_unchanged(tmp_path, todays):
    write(tmp_path, "meanflow", "code of meanflow")
    assert provenance_line(read(tmp_path)) == "Records of commit 0123456; training code unchanged since."


def test_paradigms_whose_code_has_changed_are_named(tmp_path, todays):
    write(tmp_path, "meanflow", "code of meanflow")
    for variant in ("diffusion", "dbn"):
        write(tmp_path, variant, "older code")
    assert "training code has changed since for: dbn, diffusion." in provenance_line(read(tmp_path))


def test_records_without_a_fingerprint_say_so_alone_and_beside_others(tmp_path, todays):
    write(tmp_path, "meanflow", None)
    before = "made before training code was fingerprinted (commit 0123456)."
    assert provenance_line(read(tmp_path)) == f"Records {before}"
    write(tmp_path, "dbn", "code of dbn")
    assert provenance_line(read(tmp_path)).endswith(f"unchanged since. Some records were {before}")


def test_a_paradigm_whose_file_is_gone_has_no_code_today():
    assert provenance.todays_code("/nowhere/mine.py") is None


def test_every_document_and_every_caption_has_the_line(tmp_path, todays):
    fake_run.write_run(tmp_path, ("dbn", "meanflow"), n_seeds=2, npz=False)
    frames = read(tmp_path)
    tables.write(comparison(frames), frames, tmp_path / "tables")
    documents = [*(tmp_path / "tables").glob("*.md"), *(tmp_path / "tables").glob("*.tex")]
    assert len(documents) == 6
    assert all("fingerprinted" in path.read_text() for path in documents)
    assert provenance_line(frames) in caption.origin(frames)


def test_a_caption_names_the_variants_whose_optimiser_was_not_charged(tmp_path):
    for variant in ("diffusion", "dbn"):
        fake_run.write(tmp_path, fake_run.quality(variant, 0, npz=False))
    assert caption.OLD_CHARGE in caption.origin(read(tmp_path))
    record = fake_run.quality("diffusion", 0, npz=False)
    record["training"]["charged"] = "whole updates, begin and observe"
    fake_run.write(tmp_path, record)
    fake_run.write(tmp_path, fake_run.timing("diffusion"))
    assert f"Training FLOPs of dbn: {caption.OLD_CHARGE}." in caption.origin(read(tmp_path))
    record = fake_run.quality("dbn", 0, npz=False)
    record["training"]["charged"] = "whole updates, begin and observe"
    fake_run.write(tmp_path, record)
    frames = read(tmp_path)
    assert "charged" not in caption.origin(frames)
    assert set(frames.cells.variant) == {"diffusion", "dbn"}  # a timing cell, which has no training, is no other row


def test_a_loss_curve_starts_after_what_its_stage_executed_once(tmp_path):
    record = fake_run.quality("meanflow", 0, npz=False)
    stage = record["training"]["stages"][0]
    stage |= {"flops": 1100, "flops_once": 100, "updates": 10, "loss_curve": [[0, 2.0], [5, 1.0]]}
    fake_run.write(tmp_path, record)
    assert read(tmp_path).loss.flops.tolist()[:2] == [100, 600]
