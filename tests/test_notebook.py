"""Notebooks run from top to bottom, link existing figures, define no functions, and are stored without outputs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests import ROOT

nbformat = pytest.importorskip("nbformat", reason="needs the development extra")
nbclient = pytest.importorskip("nbclient", reason="needs the development extra")

TOUR = ROOT / "notebooks" / "tour.ipynb"
ONE_DIMENSION = ROOT / "notebooks" / "one_dimension.ipynb"
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
REFERENCE = ROOT / "results" / "reference" / "digits"


@pytest.fixture(scope="module")
def tour():
    return nbformat.read(TOUR, as_version=4)


def sources(tour, kind: str) -> str:
    return "\n".join(cell.source for cell in tour.cells if cell.cell_type == kind)


@pytest.fixture
def reference() -> Path:
    if not (REFERENCE / "tables" / "comparison.csv").is_file():
        pytest.skip("the reference run is not in this checkout: results/reference/digits")
    return REFERENCE


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return nbformat.read(request.param, as_version=4)


def run(notebook, monkeypatch, timeout: int) -> list:
    """All outputs of the code cells of `notebook`, run for at most `timeout` seconds per cell."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    done = nbclient.NotebookClient(notebook, timeout=timeout, resources={"metadata": {"path": str(TOUR.parent)}})
    return [out for cell in done.execute().cells if cell.cell_type == "code" for out in cell.outputs]


def printed(outputs: list) -> str:
    return "".join(out.get("text", "") for out in outputs if out.output_type == "stream" and out.name == "stdout")


def test_a_notebook_is_stored_without_outputs(notebook):
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def test_a_notebook_defines_no_functions_or_classes(notebook):
    assert not re.search(r"^\s*(def|class)\s|lambda", sources(notebook, "code"), re.MULTILINE)


def test_every_figure_of_the_tour_is_in_the_reference_run(tour, reference):
    linked = re.findall(r"!\[.*?\]\((.*?)\)", sources(tour, "markdown"))
    assert linked and [link for link in linked if not (TOUR.parent / link).is_file()] == []


def test_the_tour_runs_from_top_to_bottom(tour, reference, monkeypatch):
    shown = run(tour, monkeypatch, 170)
    assert "meanflow" in printed(shown) and "ratio@4" in printed(shown)
    assert any("image/png" in out.get("data", {}) for out in shown)


def test_in_one_dimension_each_paradigm_ends_where_its_optimum_is(monkeypatch):
    """Modes at -0.6 and 0.6: a distribution that misses them has W1 of 0.3 or more, the mean alone about 0.5."""
    shown = run(nbformat.read(ONE_DIMENSION, as_version=4), monkeypatch, 300)
    distance = ast.literal_eval(printed(shown))
    assert distance.pop("diffusion, 1 step") > 0.45
    assert distance["diffusion, 4 steps"] > 2 * distance["diffusion, 32 steps"]
    assert len(distance) == 7 and max(distance.values()) < 0.15
    assert any("image/png" in out.get("data", {}) for out in shown)
