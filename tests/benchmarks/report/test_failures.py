"""A table, a figure or a part of a record that is broken is named and costs nothing else."""

from __future__ import annotations

import copy
import errno
import warnings
from pathlib import Path

import pytest

from benchmarks import cli, report
from benchmarks.commands import outcome
from benchmarks.execute import drawing, fork_server
from benchmarks.report import figures, tables
from benchmarks.report.figures import depth, mismatch, style
from benchmarks.report.frames import aa, read
from benchmarks.report.frames.comparison import comparison
from tests import ROOT
from tests.benchmarks import fake_run

REFERENCE = ROOT / "results" / "reference"
STEP = {"step": 0, "cumulative_error": 0.1, "modular_error": None, "two_sample_accuracy": 0.6, "floor": 0.01}


pytestmark = pytest.mark.usefixtures("without_page")


def test_a_figure_and_a_table_that_fail_are_named_and_all_others_written(tmp_path, monkeypatch, svg_alone, capsys):
    fake_run.write_run(tmp_path, ("meanflow", "dbn"), n_seeds=1, npz=False)
    monkeypatch.setattr(figures, "names", lambda: ["cost_bars", "fid_vs_nfe"])

    def fail(*_):
        raise KeyError("nfe")

    monkeypatch.setattr("benchmarks.report.figures.cost_bars.draw", fail)
    monkeypatch.setattr("benchmarks.report.tables.reach.sheets", fail)
    monkeypatch.setattr("benchmarks.report.tables.mcnemar.data", fail)
    report.write(tmp_path)
    text, said = (tmp_path / "tables" / "comparison.md").read_text(), capsys.readouterr().err
    for what in ("figure cost_bars", "table reach of digits", "table mcnemar"):
        line = f"NOT IN THIS REPORT, since it failed: {what} (KeyError: 'nfe')."
        assert line in text.replace("\\", "") and line in said
    assert "## FID ratio (" in text and (tmp_path / "figures" / "fid_vs_nfe.svg").is_file()


def test_figures_are_drawn_where_the_system_has_no_semaphores(tmp_path, monkeypatch, svg_alone):
    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system", "/dev/shm")

    monkeypatch.setattr(figures, "ProcessPoolExecutor", refuse)
    monkeypatch.setattr(figures, "names", lambda: ["fid_vs_nfe"])
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=1, npz=False)
    failures = []
    report.write(tmp_path, failures=failures)
    assert (tmp_path / "figures" / "fid_vs_nfe.svg").is_file() and not failures


@pytest.mark.parametrize(
    ("broken", "code"), [((), 0), (("figures.sample_grid.draw",), 1), (("tables.reach.sheets",), 1)]
)
def test_a_figure_or_table_that_fails_is_in_the_exit_code(tmp_path, monkeypatch, svg_alone, capsys, broken, code):
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=1, npz=False)
    monkeypatch.setattr(figures, "names", lambda: ["fid_vs_nfe", "sample_grid"])
    for what in broken:
        monkeypatch.setattr(f"benchmarks.report.{what}", lambda *_: [][0])
    # A child process would not see what is broken here.
    monkeypatch.setattr(fork_server, "ask", lambda module, request: drawing.answer(**request))
    with pytest.raises(SystemExit) as ended:
        cli.main(["report", str(tmp_path)])
    assert ended.value.code == code == outcome.conclude([], [], tmp_path, as_json=False)
    said = capsys.readouterr()
    assert "meanflow" in said.out and ("NOT IN THIS REPORT" in said.err) == bool(code)
    assert (tmp_path / "figures" / "fid_vs_nfe.svg").is_file() and (tmp_path / "tables" / "comparison.md").is_file()


def test_a_figure_and_a_table_whose_files_are_broken_are_named(tmp_path, monkeypatch, svg_alone, capsys):
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=1, npz=False)
    for package in (figures, tables):
        folder = tmp_path / "added" / package.__name__
        folder.mkdir(parents=True)
        (folder / "broken.py").write_text("import no_such_module\n")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
    monkeypatch.setattr(figures, "names", lambda names=figures.names: [name for name in names() if name == "broken"])
    report.write(tmp_path)
    said = capsys.readouterr().err
    assert "figure broken (ModuleNotFoundError" in said and "table broken (ModuleNotFoundError" in said
    assert "## FID ratio (" in (tmp_path / "tables" / "comparison.md").read_text()


def test_a_failed_diagnosis_leaves_the_figure_to_the_others(tmp_path):
    for variant, steps in (("meanflow", [STEP, STEP | {"step": 1}]), ("diffusion", None)):
        record = fake_run.quality(variant, 0, npz=False)
        record["quality"]["mismatch"] = {"amplification": None, "reason": "it failed"} | (
            {"steps": steps} if steps else {}
        )
        fake_run.write(tmp_path, record)
    with style.context():
        fig = mismatch.draw(read(tmp_path).of("digits"))
    assert "Links: 1 (MeanFlow). Not drawn, no mismatch diagnosis: diffusion." in " ".join(fig.get_supxlabel().split())


def test_a_gradient_norm_that_is_null_is_missing(tmp_path):
    for repetition, norm in enumerate((None, 0.5)):
        for n_hidden in (1, 2):
            layers = [{"gradient_norm": norm, "saturated": None}] * n_hidden + [{"gradient_norm": 1.0}]
            record = fake_run.quality("end-to-end", repetition, npz=False)
            record["cell"] |= {"series": "ReLU", "variant": f"relu-{n_hidden}"}
            record["quality"]["signals"] = [{"layers": layers}]
            fake_run.write(tmp_path, record)
    frames = read(tmp_path)
    assert frames.cells.gradient_ratio.notna().tolist() == [False, True] * 2
    with style.context():
        assert depth.draw(frames.of("digits"))


def paths(value, here=()):
    """Every place in a record below its own names and the cell's."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*here, name)
            yield from paths(inner, (*here, name))
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield from paths(value[0], (*here, 0))


@pytest.mark.parametrize(("kind", "variant"), [("quality", "dbn"), ("quality", "diffusion"), ("timing", "diffusion")])
@pytest.mark.parametrize("lost", ["absent", "null"])
def test_every_part_of_a_record_beside_its_names_is_optional(tmp_path, monkeypatch, kind, variant, lost):
    record = fake_run.quality(variant, 0, npz=False) if kind == "quality" else fake_run.timing(variant)
    found = [path for path in paths(record) if path[0] in ("training", "quality", "timing", "provenance")]
    assert len(found) > 30
    for path in found:
        broken = copy.deepcopy(record)
        place = broken
        for name in path[:-1]:
            place = place[name]
        if lost == "null":
            place[path[-1]] = None
        else:
            del place[path[-1]]
        monkeypatch.setattr("benchmarks.store.records.in_folder", lambda _, broken=broken: [(tmp_path / "a", broken)])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert len(read(tmp_path).cells) == 1, path


@pytest.mark.parametrize(
    "folder", [path.parent for path in sorted(REFERENCE.glob("*/cells*"))], ids=lambda path: path.name
)
def test_the_tables_of_every_committed_folder_are_written(tmp_path, folder: Path):
    if folder.name == "depth":
        pytest.skip("909 cells take half a minute, and its tables are tested on their own")
    frames = read(folder)
    assert tables.write(comparison(frames, aa.noise(frames)), frames, tmp_path) == []
