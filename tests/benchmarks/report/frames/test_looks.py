"""Looks: declared ones win, derived ones are never shared, and the same names always get the same ones."""

from __future__ import annotations

import pytest

from benchmarks.report.frames import looks, read
from benchmarks.report.frames.looks import NamedLook, assign
from tests.benchmarks import fake_run

STAR = {"color": "green", "marker": "*", "dash": "dashed"}
NAMES = [f"stranger-{index}" for index in range(60)]


def test_no_two_names_look_alike_and_few_ones_share_no_marker():
    assert len(set(assign(NAMES, {}).values())) == len(NAMES)
    few = assign(NAMES[:12], {})
    assert len({look.marker for look in few.values()}) == 12


def test_as_many_names_as_combinations_have_a_look_each():
    names = [f"{index:03}" for index in range(len(looks.DERIVED))]
    assert len(set(looks.DERIVED)) == len(set(assign(names, {}).values())) == len(names)


def test_a_declared_look_wins_and_is_given_to_nobody_else():
    declared = {"stranger-7": looks.DERIVED[0]}
    found = assign(NAMES, declared)
    assert found["stranger-7"] == looks.DERIVED[0]
    assert list(found.values()).count(looks.DERIVED[0]) == 1


def test_of_two_names_that_declare_one_look_the_first_keeps_it():
    look = NamedLook("blue", "o", "solid")
    found = assign(["a", "b"], {"a": look, "b": look})
    assert found["a"] == look != found["b"]


def test_looks_do_not_depend_on_the_order_of_the_names():
    assert assign(reversed(NAMES), {}) == assign(NAMES, {})


@pytest.fixture
def presets(tmp_path, monkeypatch):
    """A folder of presets, of which one is like the other."""
    folder = tmp_path / "presets"
    folder.mkdir()
    (folder / "first.toml").write_text(
        '[variants.meanflow]\nlook = { color = "green", marker = "*", dash = "dashed" }\n'
        '[looks]\n"Unrolled, K" = { color = "blue", marker = "v", dash = "solid" }\n'
    )
    (folder / "fake.toml").write_text('like = "first"\n')
    monkeypatch.setattr(looks, "PRESETS", folder)
    return folder


def test_a_record_without_a_look_has_that_of_its_preset_and_of_the_preset_that_one_is_like(tmp_path, presets):
    record = fake_run.base("quality", "meanflow", 0)
    assert looks.declared([record], tmp_path) == {
        "meanflow": NamedLook(**STAR),
        "Unrolled, K": NamedLook("blue", "v", "solid"),
    }


def test_the_look_in_a_record_comes_before_that_of_the_preset(tmp_path, presets):
    record = fake_run.base("quality", "meanflow", 0)
    record["cell"]["look"] = {"color": "black", "marker": "s", "dash": "dotted"}
    assert looks.declared([record], tmp_path)["meanflow"] == NamedLook("black", "s", "dotted")


def test_a_preset_that_is_gone_or_beside_the_records_is_no_obstacle(tmp_path, presets):
    record = fake_run.base("quality", "meanflow", 0)
    record["cell"]["preset"] = "peer"
    assert looks.declared([record], tmp_path) == {}
    (tmp_path / "peer.toml").write_text('like = "first"\n[variants.meanflow]\ntitle = "without a look"\n')
    assert looks.declared([record], tmp_path) == {"Unrolled, K": NamedLook("blue", "v", "solid")}


def test_variants_series_and_families_of_a_folder_have_looks_of_their_own(tmp_path):
    fake_run.write_run(tmp_path, tuple(fake_run.VARIANTS), n_seeds=1, npz=False)
    found = read(tmp_path).looks
    assert set(fake_run.VARIANTS) <= set(found) and len(set(found.values())) == len(found)
