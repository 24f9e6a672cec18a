"""Every measured number in the pages is what the tables of the committed runs say.

A failure is repaired by `python -m tests.quoted_numbers`, or by an entry in `tests/quoted/` where a number is new.
"""

from __future__ import annotations

import re

import pytest

from tests import ROOT, quoted_numbers
from tests.quoted_forms import FORMS, significant
from tests.quoted_numbers import REFERENCE, Page, Quote, exempt_pattern

PAGES = quoted_numbers.pages()
needs_runs = pytest.mark.skipif(not REFERENCE.is_dir(), reason="the committed runs are not in this checkout")


@needs_runs
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_every_quote_stands_in_its_page_once(page):
    assert not [quote.text for quote, place in page.found() if place is None]


@needs_runs
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_quoted_numbers_are_those_of_the_tables(page):
    assert not [f"{stood} -> {value}" for _, stood, value in page.stale()]


@needs_runs
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_every_number_with_a_decimal_point_is_quoted_or_exempt(page):
    assert not page.covered()[2]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.path.name)
def test_what_is_exempt_stands_in_its_page(page):
    text = page.text()
    assert not [part for part in page.exempt if not exempt_pattern(part).search(text)]


@needs_runs
def test_the_hypotheses_name_the_orders_that_are_settled_and_the_sizes_of_their_families():
    text = " ".join((ROOT / "docs" / "hypotheses.md").read_text(encoding="utf-8").split())
    found = {name: quoted_numbers.table(name, "ratios") for name in ("stepwise", "mnist", "fashion")}
    settled = {claim for rows in found.values() for claim in rows.claim[rows.outcome.isin(["lower", "higher"])]}
    named = re.search(r"these orders of FIDs are settled:(.*?)All other", text)[1]
    assert set(re.findall(r"\b[SM]\d+", named)) == settled
    sizes = [f"{rows.ratio_p_value.count()} on" for rows in found.values()]
    assert re.search(".*".join(sizes), text)


@pytest.fixture
def page(tmp_path, monkeypatch) -> Page:
    """A page about a table of two variants, of which one number is outdated and one in no list."""
    monkeypatch.setattr(quoted_numbers, "REFERENCE", tmp_path)
    quoted_numbers.table.cache_clear()
    (tmp_path / "run" / "tables").mkdir(parents=True)
    (tmp_path / "run" / "tables" / "comparison.csv").write_text(
        "variant,sampler,nfe,fid_ratio,fid_ratio_ci_low,fid_ratio_ci_high\n"
        "diffusion,euler,4,3.0,2.5,3.5\ndiffusion,ipndm,4,2.0,1.75,2.25\nmeanflow,jump,1,1234.5,,\n"
    )
    path = tmp_path / "page.md"
    path.write_text("Diffusion has 2.64 ±\n0.43 and\nMeanFlow 1,235. At 0.5 it has 7.7.\n\n```\n9.9\n```\n")
    yield Page(path, (Quote("Diffusion has {diffusion@4 ±} and MeanFlow {meanflow@1}.", "run"),), ("At 0.5",))
    quoted_numbers.table.cache_clear()


def test_rewriting_puts_the_numbers_of_the_tables_in_and_keeps_the_line_breaks(page):
    assert quoted_numbers.rewrite(page) == ["2.64 ± 0.43 -> 2.00 ± 0.25", "1,235 -> 1,234"]
    assert page.path.read_text().startswith("Diffusion has 2.00 ±\n0.25 and\nMeanFlow 1,234. At 0.5")
    assert not page.stale() and quoted_numbers.rewrite(page) == []


def test_numbers_are_quoted_exempt_or_neither_and_code_is_left_out(page):
    assert page.covered() == (["2.64", "0.43"], ["0.5"], ["7.7"])


def test_a_quote_that_selects_nothing_names_what_it_sought(page):
    with pytest.raises(LookupError, match="no row 'diffusion@16'"):
        Quote("{diffusion@16}", "run").values()


def test_an_exempt_number_is_no_part_of_a_longer_one():
    pattern = exempt_pattern("1.5")
    assert pattern.search("at 1.5.") and not pattern.search("11.5") and not pattern.search("1.52")


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.8249, 2, "0.82"),
        (5.0, 3, "5.00"),
        (109.6, 3, "110"),
        (1362.8, 3, "1,363"),
        (9.996, 3, "10.0"),
        (16.6, 2, "17"),
    ],
)
def test_significant_digits_keep_zeros_at_the_end(value, digits, text):
    assert significant(value, digits) == text


def test_every_form_has_a_name_that_is_no_format():
    assert not [name for name in FORMS if name.startswith(".")]
