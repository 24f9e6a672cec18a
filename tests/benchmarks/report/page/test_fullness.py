"""The page of the digits has every section with its content, and the check that says so fails for a broken one."""

from __future__ import annotations

import pkgutil
from dataclasses import replace

import pytest

from benchmarks.report import page
from benchmarks.report.page import sections
from benchmarks.report.page.blocks import Block, Chart, Gallery, Listing, Prose
from tests.benchmarks.report.page.fullness import CONTENT, ELSEWHERE, element, lacking, link


@pytest.fixture(scope="module")
def text(digits) -> str:
    return digits.read_text(encoding="utf-8")


def test_every_section_is_tested():
    assert {module.name for module in pkgutil.iter_modules(sections.__path__)} == set(CONTENT) | ELSEWHERE


def test_every_section_of_the_page_is_there_and_full(text):
    assert lacking(text) == []


@pytest.mark.parametrize("section", CONTENT)
def test_a_section_that_is_removed_emptied_or_in_no_contents_is_found(text, section):
    whole = element(text, section)
    heading = whole[: whole.index("</h2>")] + "</h2>"
    assert lacking(text.replace(whole, "")) == [section]
    assert lacking(text.replace(whole, heading)) == [section]
    assert lacking(text.replace(link(section), "<a>")) == [section]


@pytest.mark.parametrize("section", CONTENT)
def test_a_section_that_has_lost_one_part_too_many_is_found(text, section):
    whole, (content, least) = element(text, section), CONTENT[section]
    pieces = whole.split(content)
    cut = content.join(pieces[:least])
    assert lacking(text.replace(whole, cut)) == [section]


def test_a_page_that_is_rendered_from_empty_blocks_lacks_every_section(digits_run):
    full = page._sections(digits_run, [])
    hollow = [section._replace(blocks=[_emptied(block) for block in section.blocks]) for section in full]
    rendered = page._rendered([page.Part(digits_run, hollow, [])], [])
    assert lacking(rendered) == [*CONTENT] and all(element(rendered, section) for section in CONTENT)


def _emptied(block: Block) -> Block:
    """The block as it is without data; a chart without data is no chart."""
    if isinstance(block, Prose):
        return replace(block, paragraphs=[])
    if isinstance(block, Gallery | Listing):
        return replace(block, rows=[])
    return Prose([]) if isinstance(block, Chart) else block
