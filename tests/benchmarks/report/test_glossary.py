"""docs/metrics.md explains every column, and nothing that does not exist."""

import re

import pytest

from benchmarks.report.frames.columns import COLUMNS
from tests import ROOT

PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
ENTRIES = [
    entry.partition("\n") for entry in re.split(r"^### ", PAGE.split("\n# The other")[0], flags=re.MULTILINE)[1:]
]


def test_every_column_has_exactly_one_entry_and_every_entry_is_a_column():
    named = [name for heading, _, _ in ENTRIES for name in re.findall(r"`(\w+)`", heading)]
    assert sorted(named) == sorted(COLUMNS)


@pytest.mark.parametrize(("heading", "_", "text"), ENTRIES, ids=[heading for heading, *_ in ENTRIES])
def test_an_entry_says_what_unit_formula_source_and_how_it_misleads(heading, _, text):
    text = text.split("\n## ")[0]
    parts = dict(re.findall(r"^- (\w+): (.*)$", text, re.MULTILINE))
    assert list(parts) == ["unit", "formula", "source", "misleads"] and all(parts.values())
    assert len(text.split("- unit")[0].strip()) > 20


def test_every_file_that_it_names_exists():
    files = re.findall(r"`((?:benchmarks|paradigms)/[\w/]+\.py)`", PAGE)
    assert files and [name for name in files if not (ROOT / name).is_file()] == []
