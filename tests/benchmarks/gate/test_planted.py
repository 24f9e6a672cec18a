"""Every planted change of the gate's proof still applies to the sources."""

import ast

import pytest

from tests import ROOT
from tests.benchmarks.gate.faults import PLANTED
from tests.benchmarks.gate.harmless import IMPROVEMENTS
from tests.benchmarks.gate.planted import FAULTS


@pytest.mark.parametrize("change", PLANTED, ids=lambda change: change.name)
def test_a_planted_change_applies_once_and_is_python(change):
    text = (ROOT / change.file).read_text()
    assert text.count(change.old) == 1 and change.new != change.old
    ast.parse(text.replace(change.old, change.new))


def test_there_are_enough_of_them_with_names_of_their_own():
    assert len(FAULTS) >= 20 and len(IMPROVEMENTS) >= 5
    assert len({change.name for change in PLANTED}) == len(PLANTED)
