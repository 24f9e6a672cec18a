"""The charts of the page are valid Vega-Lite, and their markers are those of the figures."""

from __future__ import annotations

import altair
import pytest

from benchmarks.report.figures.theme import OKABE_ITO
from benchmarks.report.frames.looks import COLORS, MARKERS
from benchmarks.report.page import looks
from benchmarks.report.page.blocks import Chart
from benchmarks.report.page.sections import (
    along_training,
    loss_families,
    mismatch,
    quality_by_cost,
    reach,
    training_curves,
)


@pytest.mark.parametrize("section", [along_training, loss_families, mismatch, quality_by_cost, reach, training_curves])
def test_charts_are_valid_vega_lite(section, digits_run):
    charts = [block for block in section.blocks(digits_run) if isinstance(block, Chart)]
    assert charts
    for spec in (spec for chart in charts for spec in chart.specs.values()):
        altair.Chart.from_dict(spec)
        names = {head.name for chart in charts for head in chart.numbers.heads}
        assert _fields(spec) <= names | {"title", "at", "words"}


def _fields(spec) -> set[str]:
    """The names of values that a specification draws."""
    if isinstance(spec, list):
        return set().union(*map(_fields, spec)) if spec else set()
    if not isinstance(spec, dict):
        return set()
    own = {spec["field"]} if isinstance(spec.get("field"), str) else set()
    return own.union(*(_fields(value) for value in spec.values()))


def test_every_marker_and_colour_of_the_figures_is_drawn():
    assert set(OKABE_ITO) == set(COLORS)
    paths = [looks._path(marker) for marker in MARKERS]
    assert len(set(paths)) == len(paths)
