"""Display names: today's preset names the variants of records, and no two variants are called the same."""

from __future__ import annotations

from benchmarks.report.frames import looks, read
from benchmarks.report.frames.titles import retitled
from tests.benchmarks import fake_run

PRESET = """
[variants.meanflow]
paradigm = "meanflow"
title = "Mean flow, renamed"

[variants.diffusion]
paradigm = "something_else"
title = "Another method of that name"

[variants.diffusion-unrolled-k4]
paradigm = "unrolled"
init_from = "diffusion"
"""


def test_a_record_has_the_title_of_todays_preset_if_that_has_its_paradigm(tmp_path, monkeypatch):
    (tmp_path / "fake.toml").write_text(PRESET)
    monkeypatch.setattr(looks, "PRESETS", tmp_path)
    records = [fake_run.base("quality", name, 0) for name in ("meanflow", "diffusion", "diffusion-unrolled-k4")]
    cells = [record["cell"] for record in retitled(records, tmp_path / "elsewhere")]
    assert [cell["title"] for cell in cells] == [
        "Mean flow, renamed",
        fake_run.VARIANTS["diffusion"]["title"],
        fake_run.VARIANTS["diffusion-unrolled-k4"]["title"],
    ]
    assert [cell["starts_from"] for cell in cells] == [None, None, "diffusion"]


def test_the_ancestor_in_a_record_comes_before_the_preset(tmp_path):
    record = fake_run.base("quality", "meanflow", 0)
    record["cell"]["ancestor"] = "diffusion.digits.s0b6e11.0123abcd"
    assert retitled([record], tmp_path)[0]["cell"]["starts_from"] == "diffusion"


def test_variants_of_one_title_are_told_apart_by_their_names(tmp_path):
    for name in ("first", "second"):
        record = fake_run.quality(name, 0, npz=False)
        record["cell"]["title"] = "The same"
        fake_run.write(tmp_path, record)
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=1, npz=False)
    names = read(tmp_path).names
    assert names == {"first": "The same (first)", "second": "The same (second)", "meanflow": "MeanFlow"}
