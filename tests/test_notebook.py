"""The tour runs from top to bottom on the committed run, shows what is there, and holds no output of any machine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat", reason="needs the development extra")
nbclient = pytest.importorskip("nbclient", reason="needs the development extra")

ROOT = Path(__file__).parents[1]
TOUR = ROOT / "notebooks" / "tour.ipynb"
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


def test_the_tour_is_stored_without_outputs(tour):
    code = [cell for cell in tour.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def test_the_tour_defines_nothing(tour):
    assert not re.search(r"^\s*(def|class)\s|lambda", sources(tour, "code"), re.MULTILINE)


def test_every_picture_of_the_tour_is_in_the_reference_run(tour, reference):
    linked = re.findall(r"!\[.*?\]\((.*?)\)", sources(tour, "markdown"))
    assert linked and [link for link in linked if not (TOUR.parent / link).is_file()] == []


def test_the_tour_runs_from_top_to_bottom(tour, reference, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    done = nbclient.NotebookClient(tour, timeout=170, resources={"metadata": {"path": str(TOUR.parent)}}).execute()
    shown = [out for cell in done.cells if cell.cell_type == "code" for out in cell.outputs]
    printed = "".join(out.get("text", "") for out in shown if out.output_type == "stream")
    assert "meanflow" in printed and "ratio@4" in printed
    assert any("image/png" in out.get("data", {}) for out in shown)
