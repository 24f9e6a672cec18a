"""What the page of the digits holds at least, section by section. `test_fullness.py` breaks every section and sees that
this finds it."""

from __future__ import annotations

# Section -> what it is made of, and how often that stands in it at least.
CONTENT = {
    **{"answer": ("<li>", 3), "best": ("<tr>", 8), "comparison": ("<tr>", 35), "paired": ("<tr>", 7)},
    **{"loss_families": ("<figure", 1), "quality_by_cost": ("<figure", 1), "along_training": ("<figure", 3)},
    **{"reach": ("<figure", 1), "mismatch": ("<figure", 3), "samples": ("<img", 50), "trajectory": ("<img", 15)},
    **{"training_curves": ("<figure", 7), "costs": ("<tr>", 14), "more_tables": ("<tr>", 20)},
    **{"failed": ("42 cells is done", 1), "provenance": ("<tr>", 49)},
}
ELSEWHERE = {"depth", "gate"}  # the digits have none; they have tests of their own


def element(text: str, section: str) -> str:
    """The section of the first run on a page, as HTML; empty where it is absent."""
    start = text.find(f'<section id="run1-{section}"')
    return "" if start < 0 else text[start : text.index("</section>", start)]


def link(section: str) -> str:
    """The start of what leads to a section from the contents of the page."""
    return f'<a href="#run1-{section}">'


def lacking(text: str) -> list[str]:
    """The sections of a page that are absent, in no table of contents, or hold less than CONTENT says."""
    return [
        section
        for section, (content, least) in CONTENT.items()
        if element(text, section).count(content) < least or link(section) not in text
    ]
