"""Cells that the quality gate runs: in this process, and in the process of a base's source tree."""

import shutil

import pytest

from benchmarks.errors import BadInput
from benchmarks.gate import in_tree
from benchmarks.gate.options import GateOptions, Tree
from benchmarks.gate.primaries import primary_tests, values
from benchmarks.gate.primary_cells import PrimaryCells
from benchmarks.plan import presets, selection
from tests import ROOT


def test_head_and_an_equal_base_train_to_equal_values_of_the_primary_columns_alone(tmp_path, warm_server):
    preset = selection.selected(presets.load("smoke", ["budget_flops.recognition=1e8"]), ["deep-relu-1"])
    wanted, options = primary_tests(preset), GateOptions(tmp_path / "out")
    # A base from before the gate: it has neither the gate's modules nor this preset.
    base_root = tmp_path / "base"
    for package in ("benchmarks", "paradigms"):
        shutil.copytree(ROOT / package, base_root / package, ignore=shutil.ignore_patterns("gate", "__pycache__"))
    cells = PrimaryCells("only-of-head", preset, wanted, Tree(ROOT, base_root), options)
    head, base = cells.head(["deep-relu-1"], 2), cells.base(["deep-relu-1"], 2)
    assert [run["status"] for run in head] == ["done", "done"]
    assert values(wanted, head) == values(wanted, base)
    assert len(values(wanted, head)["deep-relu-1 accuracy"]) == 2
    assert list((tmp_path / "out" / "quality" / "smoke" / "base" / "cells").iterdir())


def test_a_base_that_does_not_import_is_one_line(tmp_path):
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").write_text("raise RuntimeError('half a merge')")
    with pytest.raises(BadInput, match="RuntimeError: half a merge"):
        in_tree.answer(tmp_path, "benchmarks.gate.runs", {})
