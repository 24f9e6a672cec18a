"""Marks from the numbers of a record: planted numbers, records without them, and records of the project."""

import json
import subprocess
import sys

import pytest

from benchmarks.score.hidden_work import hidden_work
from benchmarks.score.marks import COPIES, FROM_DATA, HIDDEN, marks
from tests import ROOT
from tests.benchmarks.score import disguises

HONEST = {"sampler": "euler", "nfe_asked": 4, "nfe": 4.0, "flops_per_sample": 4e6, "memorisation": 0.6}
HONEST |= {
    "flops_ratio": 1.0,
    "weight_uses": 1.0,
    "change_by_exchange": 3e-5,
    "change_by_removal": 0.01,
    "memorisation_ratio": 0.9,
}
HONEST |= {"copied_share": 0.02}

UNKNOWN = ("flops_ratio", "weight_uses", "change_by_exchange", "change_by_removal", "copied_share")

FAULTS = {
    "FLOPs": ({"flops_ratio": 2.0}, HIDDEN, "2 times the FLOPs of its counted evaluations (4 NFE)"),
    "uses": ({"weight_uses": 8.0}, HIDDEN, "uses the weights of the link 8 times"),
    "no evaluation": ({"nfe": 0.0}, HIDDEN, "4e+06 FLOPs and no counted evaluation"),
    "exchange": ({"change_by_exchange": 0.88}, FROM_DATA, "0.88 when the observed training images are exchanged"),
    "removal": ({"change_by_removal": 0.4}, FROM_DATA, "0.4 when the nearest are removed"),
    "copies": ({"copied_share": 0.75}, COPIES, "75% of the samples are nearer"),
    "copies of old": (
        {"copied_share": None, "memorisation_ratio": 0.1, "memorisation": 1.0},
        COPIES,
        "is 0.1 times that of test images, and 100% of them",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_number_is_marked_with_its_row_and_a_sentence(name):
    change, mark, why = FAULTS[name]
    (found,) = marks({"samples": [HONEST, HONEST | change | {"nfe_asked": 8}]})
    assert (found["mark"], found["sampler"], found["nfe"]) == (mark, "euler", 8)
    assert why in found["why"] and found["why"].endswith(".")


def test_honest_numbers_old_records_and_empty_ones_are_not_marked():
    old = {"sampler": "euler", "nfe": 4.0, "memorisation_ratio": 0.9, "memorisation": None, "flops_per_sample": 1.0}
    unknown = HONEST | dict.fromkeys(UNKNOWN)
    assert marks({}) == marks({"samples": None, "mismatch": None}) == marks({"samples": [HONEST, old, unknown]}) == []


@pytest.mark.parametrize(
    ("start", "why"),
    [
        ({"moves_with_data": True, "accuracy": 1.0}, "change with the observed"),
        ({"moves_with_data": False, "accuracy": 0.6}, "accuracy of only 0.60"),
        ({"moves_with_data": False, "accuracy": 0.99}, "another distribution than the noise"),
    ],
)
def test_first_states_that_are_data_mark_every_row_of_the_sampler(start, why):
    (found,) = marks({"mismatch": {"nfe": 4, "sampler": "euler", "start": start | {"from_noise": False}}})
    assert (found["mark"], found["sampler"], found["nfe"]) == (FROM_DATA, "euler", None) and why in found["why"]
    assert marks({"mismatch": {"nfe": 4, "sampler": "euler", "start": start | {"from_noise": True}}}) == []


@pytest.mark.parametrize("inside", [False, True])
def test_a_hidden_chain_of_eight_calls_is_marked(inside):
    work = hidden_work(disguises.build(disguises.load("hidden_calls"), inside=inside), 1, "default")
    (found,) = marks({"samples": [{"sampler": "default", "nfe_asked": 1, "nfe": 1.0} | work]})
    assert found["mark"] == HIDDEN and " 8 times" in found["why"]


def test_no_committed_record_is_marked():
    records = [json.loads(path.read_text()) for path in ROOT.glob("results/reference/*/cells/*.json")]
    qualities = [record["quality"] for record in records if record.get("quality")]
    assert qualities and all(marks(quality) == [] for quality in qualities)


def test_marks_need_no_torch():
    code = "import sys, benchmarks.score.marks; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
