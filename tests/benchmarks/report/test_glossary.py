"""docs/metrics.md is the generated glossary, and it has one complete entry for every column of comparison.csv."""

import re

import pytest

from benchmarks import columns
from benchmarks.columns import Column
from benchmarks.report.frames.columns import COLUMNS
from tests import ROOT

PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
DECLARATIONS = [(path, column) for section in columns.everywhere().values() for path, column in section]
LITERALS = dict.fromkeys(["unit", "meaning", "formula", "source", "misleads"], "something")


def test_the_committed_page_is_the_generated_glossary():
    assert columns.glossary() == PAGE, "write it again: python -m benchmarks glossary > docs/metrics.md"


def test_every_column_of_the_comparison_has_exactly_one_declaration():
    named = [name for _, column in DECLARATIONS for name in column.names]
    assert len(named) == len(set(named)) and set(COLUMNS) <= set(named)  # some are in records only


@pytest.mark.parametrize(("path", "column"), DECLARATIONS, ids=[column.name for _, column in DECLARATIONS])
def test_a_declaration_is_complete_and_is_on_the_page(path, column):
    assert all(getattr(column, part).strip() for part in LITERALS) and len(column.meaning) > 20
    assert column.meaning.endswith(".") and column.misleads.endswith(".")
    heading = ", ".join(f"`{name}`" for name in column.names)
    entry = PAGE.split(f"### {heading}\n")[1].split("\n#")[0]
    parts = re.findall(r"^- (\w+): .", entry, re.MULTILINE)
    assert parts == ["unit", "direction", "formula", "source", "misleads", "code"]


def test_every_file_and_folder_that_the_page_names_exists():
    named = re.findall(r"`((?:benchmarks|paradigms|tests)/[\w/]*(?:\.py)?)`", PAGE)
    assert len(named) > len(DECLARATIONS) / 2 and [name for name in named if not (ROOT / name).exists()] == []


def test_decimal_numbers_keep_their_leading_zero():
    assert not re.findall(r"(?<![\w.])\.\d", PAGE)


def source(tmp_path, *names, literals=LITERALS, compute="def compute(samples): return {}\n"):
    """A file that declares `names`."""
    arguments = ", ".join(f"{name}={value!r}" for name, value in (literals | {"direction": None}).items())
    calls = ", ".join(f"Column({name!r}, {arguments})" for name in names)
    path = tmp_path / f"{'_'.join(names) or 'nothing'}.py"
    path.write_text(f"COLUMNS = [{calls}]\n{compute}")
    return path


def test_declarations_are_read_without_running_the_file(tmp_path):
    path = source(tmp_path, "a", "b", compute="raise SystemExit\n")
    assert columns.declared(path) == tuple(Column(name, direction=None, **LITERALS) for name in ("a", "b"))


def test_a_declaration_that_is_not_literal_names_its_file_and_line(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("NAME = 'a'\nCOLUMNS = [Column(NAME)]\n")
    with pytest.raises(ValueError, match=r"a\.py, line 2: COLUMNS takes calls of Column with literal arguments"):
        columns.declared(path)


def test_a_metric_without_columns_and_a_column_of_two_metrics_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(columns, "METRIC_FOLDERS", [tmp_path])
    source(tmp_path)
    with pytest.raises(ValueError, match=r"nothing\.py: a metric must declare its columns"):
        columns.of_metrics()
    (tmp_path / "nothing.py").unlink()
    source(tmp_path, "a")
    source(tmp_path, "a", "b")
    with pytest.raises(ValueError, match=r"column 'a' is already declared in .*a\.py"):
        columns.of_metrics()
