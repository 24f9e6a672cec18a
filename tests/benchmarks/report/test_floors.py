"""Committed records keep their FIDs; the report takes their ratios over the corrected floors."""

import copy
import json

import pytest

from benchmarks.report import floors
from benchmarks.store import records
from tests import ROOT

REFERENCE = ROOT / "results" / "reference"


def committed(preset: str) -> list[dict]:
    found = [record for _, record in records.in_folder(REFERENCE / preset)]
    return [record for record in found if (record.get("quality") or {}).get("samples")]


@pytest.fixture(scope="module")
def record() -> dict:
    return next(record for record in committed("mnist") if record["quality"]["sampling_noise"])


def test_the_ratios_of_a_committed_record_are_over_the_corrected_floors(record):
    before = copy.deepcopy(record)
    after = floors.corrected(record)
    assert record == before
    factor = record["quality"]["samples"][0]["fid_floor"] / after["quality"]["samples"][0]["fid_floor"]
    assert 1.2 < factor < 1.4  # the pool's floor is 0.172; over the whole split it is 0.13
    for old, new in zip(record["quality"]["samples"], after["quality"]["samples"], strict=True):
        for name in floors.DISTANCES:
            assert new[name] == old[name] and new[f"{name}_ratio"] == new[name] / new[f"{name}_floor"]
            assert new[f"{name}_floor_draws"] >= 200 and new[f"{name}_floor_se"] < 0.03 * new[f"{name}_floor"]
            assert new[f"{name}_floor_whole"] < old[f"{name}_floor_whole"]
        assert new["kid"] == old["kid"]
    assert 1.05 < old["fid2_floor"] / new["fid2_floor"] < 1.2
    for part, ratios in (("sampling_noise", "fid_ratios"), ("curve", "samples")):
        for old, new in zip(record["quality"][part], after["quality"][part], strict=True):
            for one, other in zip(old[ratios], new[ratios], strict=True):
                one, other = (x["fid_ratio"] if part == "curve" else x for x in (one, other))
                assert other == pytest.approx(one * factor)
    assert "mnist-cnn-6a86ad66: 0.172 to 0.13" in after["quality"]["floor_corrected"]
    assert "standard error" in after["quality"]["floor_corrected"]


def test_the_last_point_of_the_curve_stays_the_score_at_the_end(record):
    quality = floors.corrected(record)["quality"]
    ends = {(entry["sampler"], entry["nfe_asked"]): entry["fid_ratio"] for entry in quality["samples"]}
    for entry in quality["curve"][-1]["samples"]:
        assert entry["fid_ratio"] == pytest.approx(ends[entry["sampler"], entry["nfe"]])


def test_a_record_is_corrected_once_and_one_with_enough_draws_or_an_unknown_network_stays(record):
    after = floors.corrected(record)
    assert floors.corrected(after) is after
    unknown = copy.deepcopy(record)
    for entry in unknown["quality"]["samples"]:
        entry |= {"fid_extractor": "mnist-cnn-ffffffff", "fid2_extractor": None}
    for other in (unknown, record | {"quality": None}, record | {"quality": {"samples": []}}, {"kind": "timing"}):
        assert floors.corrected(other) is other


def test_a_missing_score_stays_missing(record):
    lost = copy.deepcopy(record)
    lost["quality"]["samples"][0] |= {"fid": None, "fid_ratio": None}
    lost["quality"]["sampling_noise"][0]["fid_ratios"][0] = None
    lost["quality"]["curve"][0]["samples"][0] |= {"fid": None, "fid_ratio": None}
    quality = floors.corrected(lost)["quality"]
    assert quality["samples"][0]["fid_ratio"] is quality["sampling_noise"][0]["fid_ratios"][0] is None
    assert quality["curve"][0]["samples"][0]["fid_ratio"] is None and quality["samples"][0]["fid_floor"] < 0.14


@pytest.mark.parametrize("preset", ["aa", "digits", "fashion", "mnist-layerwise", "stepwise-trials"])
def test_every_scoring_network_of_the_committed_records_has_a_corrected_floor(preset):
    for record in committed(preset):
        for entry in floors.corrected(record)["quality"]["samples"]:
            assert entry["fid_floor_draws"] >= 200 and entry["fid2_floor_draws"] >= 200


def test_a_correction_carries_over_where_the_old_floor_is_reproduced_within_its_standard_error():
    for one in json.loads(floors.FILE.read_text())["floors"]:
        recorded, here = one["recorded"], one["here"]
        assert abs(here["old_floor"] - recorded["floor"]) < recorded["se"]
        assert one["factor"] == pytest.approx(here["new_floor"] / here["old_floor"])
        assert one["floor"] == pytest.approx(recorded["floor"] * one["factor"])
        assert one["se"] == pytest.approx(one["floor"] / here["new_floor"] * here["new_sd"] / one["draws"] ** 0.5)
