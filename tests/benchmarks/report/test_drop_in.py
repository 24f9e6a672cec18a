"""A new table, a new figure and a new metric are one new file each, and the report has them."""

from __future__ import annotations

import csv
import sys

import pytest

from benchmarks import columns, report
from benchmarks.report import figures, tables
from tests.benchmarks import fake_run

TABLE = '''
"""Seeds of every variant."""
from pandas import DataFrame
from benchmarks.report.tables.sheet import Sheet
DOCUMENT, ORDER = "comparison", 15
def data(frames, comparison):
    return comparison[["dataset", "variant", "n_seeds"]].drop_duplicates()
def sheets(frames, rows):
    return [Sheet("Seeds", DataFrame({"variant": rows.variant, "seeds": rows.n_seeds.map(str)}), ("A note.",))]
'''
FIGURE = '''
"""Seeds of every variant."""
from benchmarks.report.figures import style
SHOWN = "all"
def draw(frames):
    fig = style.figure()
    for name in frames.ordered(frames.cells.variant):
        fig.subplots().plot([0, 1], color=style.look(frames, name).color)
    return fig
'''
METRIC = '''
"""A metric."""
from benchmarks.columns import Column
COLUMNS = [
    Column("sharpness", unit="share of edges", direction="higher", meaning="How sharp samples are. More.", formula="f",
           source="s", misleads="m", head="sharp", style="percent"),
    Column("sharpness_pixels", unit="pixels", direction=None, meaning="m", formula="f", source="s", misleads="m",
           style="count"),
    Column("coverage", unit="share", direction="higher", meaning="Share of the test images. More.", formula="f",
           source="s", misleads="m", head="covered", style="percent"),
]
def compute(samples):
    return {}
'''


@pytest.fixture
def added(tmp_path, monkeypatch):
    """Puts a file into a package for the time of a test."""
    modules = []

    def add(package, name: str, text: str) -> None:
        folder = tmp_path / "added" / package.__name__
        folder.mkdir(parents=True)
        (folder / f"{name}.py").write_text(text)
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        modules.append((package, name))

    yield add
    for package, name in modules:
        sys.modules.pop(f"{package.__name__}.{name}", None)
        vars(package).pop(name, None)


@pytest.fixture
def run(tmp_path, svg_alone, without_page):
    """A small results folder; its report has no page, and figures in one format."""
    fake_run.write_run(tmp_path, ("meanflow", "end-to-end"), n_seeds=2, npz=False)
    return tmp_path


def test_a_table_is_one_new_file(run, added, monkeypatch):
    added(tables, "seeds", TABLE)
    monkeypatch.setattr(figures, "names", list)
    assert "seeds" in tables.found()
    report.write(run)
    assert (run / "tables" / "seeds.csv").read_text().startswith("dataset,variant,n_seeds\n")
    text = (run / "tables" / "comparison.md").read_text()
    places = [text.index(title) for title in ("## FID ratio (", "## Seeds", "- A note.", "## FID ratio by the second")]
    assert places == sorted(places)


def test_a_figure_is_one_new_file(run, added, monkeypatch):
    added(figures, "seeds", FIGURE)
    monkeypatch.setattr(figures, "names", lambda names=figures.names: [name for name in names() if name == "seeds"])
    report.write(run)
    assert (run / "figures" / "seeds.svg").is_file()


def test_a_document_that_has_nothing_to_say_any_more_is_removed(run, monkeypatch):
    monkeypatch.setattr(figures, "names", list)
    (run / "tables").mkdir()
    for stale in ("depth.csv", "depth.md", "trials.csv"):
        (run / "tables" / stale).write_text("of an earlier report")
    report.write(run)
    assert not {path.stem for path in (run / "tables").iterdir()} & {"depth", "trials"}


def test_a_metric_is_one_new_file(run, tmp_path, monkeypatch):
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics" / "sharpness.py").write_text(METRIC)
    monkeypatch.setattr(columns, "METRIC_FOLDERS", [tmp_path / "metrics"])
    for repetition, value in enumerate((0.5, 0.7)):
        record = fake_run.quality("meanflow", repetition, npz=False)
        for entry in record["quality"]["samples"]:
            entry |= {"sharpness": value, "sharpness_pixels": 12}
        fake_run.write(run, record)
    monkeypatch.setattr(figures, "names", list)
    report.write(run)
    header, *rows = csv.reader((run / "tables" / "comparison.csv").open())
    assert header[-2:] == ["sharpness", "sharpness_pixels"] and header.count("coverage") == 1
    assert {tuple(row[-2:]) for row in rows} == {("", ""), ("0.6", "12")}
    text = (run / "tables" / "comparison.md").read_text()
    head = next(line for line in text.splitlines() if line.startswith("| variant") and "sharp" in line)
    assert " covered " in head and " coverage " not in head and "60.0 %" in text
    assert "- sharp (share of edges, higher is better): How sharp samples are." in text
