"""The report as one HTML file. One section a file: a module in `sections` is a section, and adding one is adding its
file.

ORDER: its place on the page. TITLE: its heading.
PRINTED: optional; whether it is part of the printed page (if it says nothing: yes).

    def blocks(run: Run) -> list[Block]

What it shows of one results folder; empty where the records hold nothing for it.

The page fetches nothing: scripts, styles, images and data stand in it, and its content policy allows no others.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from altair.utils import schemapi
from jinja2 import Environment, PackageLoader, StrictUndefined

from benchmarks.report import tables
from benchmarks.report.attempt import attempt
from benchmarks.report.figures.theme import OKABE_ITO
from benchmarks.report.page import scripts, sections
from benchmarks.report.page.blocks import Block, Chart, Listing
from benchmarks.report.page.glossary import Explanation
from benchmarks.report.page.legend import Series, series
from benchmarks.report.page.run import Run
from benchmarks.store import atomic

__all__ = ["FILE", "Run", "write"]
FILE = "report.html"


class Section(NamedTuple):
    """A section of one run as the template shows it."""

    id: str
    title: str
    blocks: list[Block]
    printed: bool


class Part(NamedTuple):
    """One results folder as the template shows it. legend_at: id of the section that the legend stands above."""

    run: Run
    sections: list[Section]
    series: list[Series]
    legend_at: str = ""


def write(runs: Sequence[Run], path: Path) -> list[str]:
    """Write the page of one or more results folders to `path`.

    Returns the sections that failed, in words, as `attempt` does; all others are written.
    """
    failures: list[str] = []
    parts = [_part(run, failures) for run in runs]
    atomic.write(path, _rendered(parts, failures).encode())
    return failures


def _part(run: Run, failures: list[str]) -> Part:
    """A run with its legend above what it acts on, the first chart or table that selects series; the answer of the page
    stands before it."""
    found = _sections(run, failures)
    acted_on = (section.id for section in found for block in section.blocks if _has_series(block))
    return Part(run, found, series(run), next(acted_on, ""))


def _has_series(block: Block) -> bool:
    return isinstance(block, Chart) or (isinstance(block, Listing) and len(block.filters) > 0)


def _sections(run: Run, failures: list[str]) -> list[Section]:
    found = []
    for name, module in _modules(failures):
        with schemapi.debug_mode(False):  # validation of every part of a chart takes a second; tests validate
            blocks = attempt(f"section {name} of the page of {run.name}", failures, [], module.blocks, run)
        if blocks:
            found.append(Section(run.id(name), module.TITLE, blocks, getattr(module, "PRINTED", True)))
    return found


def _modules(failures: list[str]) -> list[tuple[str, ModuleType]]:
    """Every section by name, in the order of the page."""
    names = sorted(module.name for module in pkgutil.iter_modules(sections.__path__))
    place = f"{sections.__name__}."
    loaded = {
        name: attempt(f"section {name} of the page", failures, None, importlib.import_module, place + name)
        for name in names
    }
    return sorted(((name, module) for name, module in loaded.items() if module), key=lambda item: item[1].ORDER)


def _rendered(parts: list[Part], failures: list[str]) -> str:
    environment = Environment(
        loader=PackageLoader("benchmarks.report.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    run_scripts, run_styles = scripts.scripts(), scripts.styles()
    return environment.get_template("page.html.j2").render(
        parts=parts,
        failures=tables.failed(failures),
        glossary=_glossary(parts),
        scripts=run_scripts,
        styles=run_styles,
        policy=scripts.policy(run_scripts, run_styles),
        colors=OKABE_ITO,
    )


def _glossary(parts: list[Part]) -> list[Explanation]:
    """The entries of every head on the page, sorted by title."""
    shown = (block for part in parts for section in part.sections for block in section.blocks)
    listings = [block.numbers if isinstance(block, Chart) else block for block in shown]
    found = {head.entry for block in listings if isinstance(block, Listing) for head in block.heads}
    return sorted(found, key=lambda entry: entry.title.lower())
