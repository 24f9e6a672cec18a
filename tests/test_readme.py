"""What the README and the pages in docs/ say is what the committed runs and the files say."""

import re

import pandas as pd
import pytest

from benchmarks import report
from benchmarks.plan import presets
from benchmarks.report.frames import read
from benchmarks.report.frames.comparison import comparison
from tests import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
REFERENCE = ROOT / "results" / "reference"


def section(title: str) -> str:
    """The text of the README from the heading `title` to the next heading."""
    return re.search(rf"^## {title}\n(.*?)(?=^## )", README, re.DOTALL | re.MULTILINE)[1]


def heading_anchors(page: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_its_table_is_what_the_committed_records_give():
    if not (REFERENCE / "digits").is_dir():
        pytest.skip("the reference run is not in this checkout: results/reference/digits")
    printed = re.search(r"<!-- summary.*?-->\n```\n(.*?)\n```", README, re.DOTALL)[1]
    assert printed == report.summary(comparison(read(REFERENCE / "digits")))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_to_files_and_headings_that_exist(path):
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text(encoding="utf-8")):
        if link.startswith("http"):
            continue
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        assert not anchor or anchor in heading_anchors(target.read_text(encoding="utf-8")), link


def test_the_tree_has_a_line_per_room_and_names_what_exists():
    lines = re.search(r"```\n(.*?)```", section("Where things are"), re.DOTALL)[1].splitlines()
    assert len(lines) == 13
    for line in lines:
        folder, said = line.split(maxsplit=1)
        assert (ROOT / folder).is_dir(), folder
        for name in re.findall(r"[\w/]+\.(?:py|md)\b|\b\w+/(?!\*)", said):
            assert (ROOT / name).exists() or (ROOT / folder / name).exists() or list(ROOT.glob(f"*/{name}")), name


def test_the_limits_name_presets_with_the_seeds_that_are_committed():
    rows = re.findall(r"^\| (.*?) \| (.*?) \|", section("What the results can and cannot say"), re.MULTILINE)
    seeds = {name: int(said.split(";")[0]) for names, said in rows for name in re.findall(r"`([\w-]+)`", names)}
    assert seeds.keys() <= set(presets.names())
    tables = {path.parents[1].name: path for path in REFERENCE.glob("*/tables/comparison.csv")}
    committed = {name: int(pd.read_csv(path).n_seeds.max()) for name, path in tables.items()}
    assert {name: n for name, n in seeds.items() if n} == committed


def test_the_page_about_records_shows_what_its_code_prints(capsys, monkeypatch):
    page = (ROOT / "docs" / "read-a-record.md").read_text(encoding="utf-8")
    code, printed = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", page, re.DOTALL).groups()
    monkeypatch.chdir(ROOT)
    exec(code, {})
    shown = [line.split() for line in printed.splitlines()]
    assert [line.split() for line in capsys.readouterr().out.splitlines()] == shown
