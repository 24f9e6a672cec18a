"""What the README says is what the committed run and the files say."""

import re

import pytest

from benchmarks import report
from benchmarks.report.frames import read
from benchmarks.report.frames.comparison import comparison
from tests import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
REFERENCE = ROOT / "results" / "reference" / "digits"


def test_its_table_is_what_the_committed_records_give():
    if not REFERENCE.is_dir():
        pytest.skip("the reference run is not in this checkout: results/reference/digits")
    printed = re.search(r"<!-- summary.*?-->\n```\n(.*?)\n```", README, re.DOTALL)[1]
    assert printed == report.summary(comparison(read(REFERENCE)))


def test_its_links_and_the_files_of_its_tree_exist():
    links = [link for link in re.findall(r"\]\(([^)]+)\)", README) if not link.startswith("http")]
    assert links and [link for link in links if not (ROOT / link).exists()] == []
    tree = re.search(r"## Where things are\n\n```\n(.*?)```", README, re.DOTALL)[1]
    for line in tree.splitlines():
        for name in re.findall(r"\b[\w]+\.(?:py|ipynb)\b", line.split("   ")[0] if "   " in line else line):
            assert list(ROOT.glob(f"**/{name}")), name
