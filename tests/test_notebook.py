"""Notebooks run from top to bottom, link existing files, define no functions, and are stored without outputs.

`your_method` is the exception: its outputs show what to expect, without paths or anything that changes its words.
"""

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
YOUR_METHOD = ROOT / "notebooks" / "your_method.ipynb"
WRITTEN = "%%writefile "  # starts a cell that is the text of a file
LARGEST_OUTPUTS = 10_000  # characters that a notebook may be stored with
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


def stored(notebook) -> list:
    return [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]


@pytest.mark.parametrize("path", [TOUR, ONE_DIMENSION], ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path):
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def test_stored_outputs_are_small_and_name_no_folder_of_a_computer():
    outputs = stored(nbformat.read(YOUR_METHOD, as_version=4))
    assert outputs and not [out for out in outputs if out.output_type == "error" or out.get("name") == "stderr"]
    assert len(str(outputs)) < LARGEST_OUTPUTS
    assert not re.search(r"(?<![\w.<])/\w+/|[A-Z]:\\\\", str(outputs))


def test_a_notebook_defines_no_functions_or_classes(notebook):
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code" and not cell.source.startswith(WRITTEN)]
    assert not re.search(r"^\s*(def|class)\s|lambda", "\n".join(code), re.MULTILINE)


def test_links_of_a_notebook_lead_to_files_that_exist(notebook):
    links = re.findall(r"\]\(([^)\s]+)\)", sources(notebook, "markdown"))
    assert [link for link in links if not (TOUR.parent / link).exists()] == []


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
    assert 0.15 < distance.pop("VAE, 1 step") < 0.4  # samples between the modes
    assert distance["diffusion, 4 steps"] > 2 * distance["diffusion, 32 steps"]
    assert len(distance) == 11 and max(distance.values()) < 0.15
    assert any("image/png" in out.get("data", {}) for out in shown)


def test_your_method_is_written_run_beside_others_and_gated(monkeypatch):
    """The stored outputs say the same as new ones, but for numbers that depend on the computer."""
    notebook = nbformat.read(YOUR_METHOD, as_version=4)
    before, shown = stored(notebook), run(notebook, monkeypatch, 500)
    said = printed(shown)
    assert re.search(r"^exit code 0\n11 passed", said, re.MULTILINE)
    assert re.search(r"^runs/beside/report.html, \d\.\d MB$", said, re.MULTILINE)
    assert re.search(r"^exit code 3\n.*the trained weights are equal: sampling changed", said, re.MULTILINE)
    updates = next(ast.literal_eval(text) for text in texts(shown) if text.startswith("{"))
    assert updates["linear-gaussian"] > 10 * max(updates["diffusion"], updates["vae"]) > 0
    table = next(text for text in texts(shown) if "fid_ratio" in text)
    assert all(title in table for title in ("Linear-Gaussian", "Diffusion", "VAE")) and "NaN" not in table
    assert numberless(before) == numberless(shown)


def texts(outputs: list) -> list[str]:
    return [out["data"]["text/plain"] for out in outputs if "data" in out]


def numberless(outputs: list) -> list[str]:
    """The words of what was printed and shown, in their order."""
    return re.findall(r"[A-Za-z]{3,}", printed(outputs) + "".join(texts(outputs)))
