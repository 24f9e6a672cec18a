"""The files of a report, on invented records: which there are, and that the same records give the same bytes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.errors import BadInput
from benchmarks.report import figures, page
from tests.benchmarks import fake_run

TABLES = {"comparison.csv", "comparison.md", "comparison.tex", "mcnemar.csv", "time_to_target.csv", "time_to_target.md"}
TABLES |= {f"at_equal_{axis}.{form}" for axis in ("flops", "images", "seconds") for form in ("csv", "md")}


FEW = ["fid_vs_nfe", "sample_grid", "training_curves"]  # one of each kind of marks is as good a test as all
pytestmark = pytest.mark.usefixtures("without_page")


@pytest.fixture(scope="module")
def rendered(tmp_path_factory) -> Path:
    """A small run, reported with a few figures."""
    folder = tmp_path_factory.mktemp("rendered")
    fake_run.write_run(folder, ("sdae", "meanflow"), n_seeds=2)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(figures, "names", lambda: FEW)
        patched.setattr(page, "write", lambda *_: [])
        report.write(folder)
    return folder


@pytest.fixture(scope="module")
def again(rendered) -> tuple[dict, dict, list]:
    """The files before and after another process reported the same records, and the torch modules it had imported."""
    before = contents(rendered)
    code = (
        "import importlib, pathlib, sys; from benchmarks import report; from benchmarks.report import figures;"
        "[importlib.import_module(f'benchmarks.report.figures.{name}') for name in figures.names()];"
        f"figures.names = lambda: {FEW};"
        "report.write(pathlib.Path(sys.argv[1]));"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in {'torch', 'pytorch_lightning', 'torchmetrics'}))"
    )
    env = os.environ | {"PYTHONPATH": str(Path(report.__file__).parents[2])}
    command = [sys.executable, "-c", code, str(rendered)]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    return before, contents(rendered), json.loads(done.stdout.replace("'", '"'))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for part in ("tables", "figures") for path in (folder / part).iterdir()}


def test_the_same_records_give_the_same_bytes_in_another_process(again):
    before, after, _ = again
    assert {name for name in before if name.endswith((".csv", ".md", ".tex"))} == TABLES
    assert [name for name in before if before[name] != after[name]] == []


def test_reporting_never_imports_torch(again):
    assert again[2] == []


def test_every_figure_comes_in_three_formats(rendered):
    expected = {f"{name}.{form}" for name in FEW for form in ("png", "svg", "pdf")}
    assert {path.name for path in (rendered / "figures").iterdir()} == expected


def test_a_folder_without_sample_files_is_reported_without_a_grid(tmp_path, svg_alone, monkeypatch):
    monkeypatch.setattr(figures, "names", lambda: ["fid_vs_nfe", "sample_grid"])
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=1, npz=False)
    (tmp_path / "figures").mkdir()
    stale = tmp_path / "figures" / "sample_grid.svg"
    stale.write_bytes(b"of an earlier run")
    report.write(tmp_path)
    assert not stale.exists() and (tmp_path / "figures" / "fid_vs_nfe.svg").is_file()


def test_only_failures_still_make_tables(tmp_path):
    fake_run.write(tmp_path, fake_run.failed("dbn", 0, "oom", "out of memory"))
    table = report.write(tmp_path)
    assert table.status.tolist() == ["oom"] and not list((tmp_path / "figures").iterdir())


def test_several_data_sets_get_a_file_each_and_their_own_rows(tmp_path, svg_alone, monkeypatch):
    monkeypatch.setattr(figures, "names", lambda: ["fid_vs_nfe"])
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=1, npz=False)
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=1, npz=False, dataset="mnist")
    table = report.write(tmp_path)
    assert table.dataset.tolist() == [*["digits"] * len(fake_run.NFE), *["mnist"] * len(fake_run.NFE)]
    names = {path.name for path in (tmp_path / "figures").glob("*.svg")}
    assert names == {"fid_vs_nfe-digits.svg", "fid_vs_nfe-mnist.svg"}


def test_no_records_is_one_line_that_says_what_to_run(tmp_path):
    with pytest.raises(BadInput, match="no records in cells/; fill it with: python -m benchmarks run PRESET") as caught:
        report.write(tmp_path / "nowhere")
    assert "\n" not in str(caught.value)


def test_a_report_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(figures, "names", list)
    fake_run.write(tmp_path, fake_run.timing("end-to-end"))
    (tmp_path / "tables").write_text("a file in the way")
    with pytest.raises(BadInput, match="cannot write the report"):
        report.write(tmp_path)
