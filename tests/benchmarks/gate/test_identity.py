"""The first difference of two traces is found, and says where the cause is."""

import pytest

from benchmarks.gate import identity
from benchmarks.gate.finding import Verdict
from tests.benchmarks.gate.conftest import UPDATE, measured

BASE = {"v": measured()["identity"]}


def first(**changes):
    """The finding of a head with some changed values of its identity."""
    head = measured(**{f"identity__{path}": value for path, value in changes.items()})["identity"]
    (found,) = identity.compare(BASE, {"v": head})
    return found


def test_equal_traces_pass():
    assert first().verdict is Verdict.PASS


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"settings__options": {"lr": 1}}, "the preset changed: setting 'options'"),
        ({"data__training_labels": "z", "samples": {}}, "the training labels differ, before anything is trained"),
        ({"start": {"net.weight": "s", "net.bias": "z"}}, "tensor 'net.bias' (1 of 2 differ)"),
        ({"samples": {"euler at 1 NFE": {"images": "z"}}}, "samples of euler at 1 NFE differ; the trained weights are"),
        ({"scores": {"exact": "z", "samples / euler at 1 NFE / fid": 4}}, "fid' differs (3.5 before, 4 now)"),
        ({"scores": {"exact": "z", "samples / euler at 1 NFE / fid": 3.5}}, "beyond the sixth digit"),
        ({"broken": {"training": "no error: 1"}}, "'NonFinite: loss is nan' before, 'no error: 1' now"),
        ({"plan": {"flow": {"updates": 99}}}, "another number of updates of stage 'flow'"),
        ({"stages": []}, "the list of stages differs"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_first_difference_is_named(changes, said):
    found = first(**changes)
    assert found.verdict is Verdict.INCONCLUSIVE and said in found.reason


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("batch", "their order changed"),
        ("loss", "the weights before it, are equal"),
        ("gradient", "its loss is equal"),
        ("weights", "its loss and gradient are equal"),
        ("averages", "their average changed"),
    ],
)
def test_the_first_update_and_column_that_differ_are_named(column, said):
    stage = dict(BASE["v"]["stages"][0])
    words = UPDATE.format(1).split()
    words[words.index(column) + 1] = "9"
    stage["updates"] = [stage["updates"][0], " ".join(words), "batch z loss z gradient z weights z averages z"]
    found = first(stages=[stage])
    assert f"the {column} of update 1 of stage 'flow' differ" in found.reason and said in found.reason
    assert found.head == "9"


def test_the_tensor_that_the_first_update_changes_otherwise_is_named():
    line = UPDATE.format(0).replace("weights w0", "weights z")
    stage = BASE["v"]["stages"][0] | {"tensors": {"net.weight": "u v", "net.bias": "z z"}}
    stage["updates"] = [line, *stage["updates"][1:]]
    assert "differ, first in tensor 'net.bias' (1 of 2 differ); its loss" in first(stages=[stage]).reason


def test_weights_that_differ_only_at_the_end_of_a_stage_are_named_by_tensor():
    stage = BASE["v"]["stages"][0] | {"tensors": {"net.weight": "u v", "net.bias": "p z"}}
    assert "first in tensor 'net.bias' (1 of 2 differ); its updates are equal" in first(stages=[stage]).reason


def test_weights_of_an_evaluation_along_training_are_compared():
    stage = BASE["v"]["stages"][0] | {"evaluated": "z"}
    assert "evaluated along training differ" in first(stages=[stage]).reason


def test_new_vanished_and_failed_subjects_have_a_finding_each():
    head = {"new": BASE["v"], "broken": {"failed": "ValueError: no"}, "known": BASE["v"]}
    base = {"gone": BASE["v"], "broken": BASE["v"], "known": {"failed": "old"}}
    found = {finding.subject: finding for finding in identity.compare(base, head)}
    assert {subject: finding.verdict for subject, finding in found.items()} == {
        "new": Verdict.PASS,
        "broken": Verdict.FAILED,
        "known": Verdict.INCONCLUSIVE,
        "gone": Verdict.INCONCLUSIVE,
    }
    assert found["broken"].reason == "ValueError: no" and "base could not be measured" in found["known"].reason
