"""Drop-in means one new file and no other edit, for a paradigm, a data set, a preset and a metric.

The paradigm is the file that the README shows, under 40 lines: it is listed, held to the contract, run and reported.
"""

import json
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
import torch

import paradigms
from benchmarks import cli, columns, data
from benchmarks.execute import drawing
from benchmarks.report import figures
from benchmarks.report.figures import style
from benchmarks.score import metrics
from benchmarks.score.extractors import cache
from tests import ROOT
from tests.benchmarks.data.stripes import SOURCE as STRIPES
from tests.paradigms import contract

NEW_FILE = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]

NEW_METRIC = """
from benchmarks.columns import Column

COLUMNS = [
    Column(
        "brightness_ratio",
        unit="none; 1 is as bright as the test split",
        direction=None,
        meaning="Mean grey value of the samples over that of the test images.",
        formula="mean(samples) / mean(test images)",
        source="defined here",
        misleads="Uniformly grey images have a perfect ratio.",
        head="brightness",
    ),
]


def compute(samples):
    return {"brightness_ratio": samples.images.double().mean() / samples.real.once(brightness)}


def brightness(real):
    return real.test.double().mean()
"""


@pytest.fixture(scope="module")
def new_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("theirs") / "pixel_gaussian.py"
    path.write_text(NEW_FILE)
    return path


def command(*arguments, cwd=ROOT):
    ran = subprocess.run(
        [sys.executable, "-m", "benchmarks", *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_the_paradigm_of_the_readme_is_under_forty_lines_of_code():
    assert len([line for line in NEW_FILE.splitlines() if line.strip()]) < 40


def test_the_paradigm_is_listed(new_file):
    assert "Independent pixels" in command("list", "--paradigm", new_file)


@pytest.mark.parametrize("check", contract.CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
def test_the_paradigm_keeps_the_contract(new_file, check, tmp_path):
    check(paradigms.load(str(new_file)))


@pytest.fixture
def svg_alone(monkeypatch):
    """Reports of this process, with figures in one format: most of a report's time is writing them."""
    monkeypatch.setattr(drawing, "draw", drawing.answer)  # a child would not see the change
    monkeypatch.setattr(style, "FORMATS", {"svg": style.FORMATS["svg"]})


def test_the_paradigm_runs_and_is_in_the_table_and_the_figures(new_file, tmp_path, warm_server, svg_alone):
    settings = [f"{key}={value}" for key, value in {"n_samples": 64, "timing_seconds": 0.02}.items()]
    changes = [part for setting in settings for part in ("--set", setting)]
    line = ["run", "smoke", "--paradigm", str(new_file), "--budget", "0.0001", "--results", str(tmp_path), *changes]
    with pytest.raises(SystemExit) as ended:
        cli.main(line)
    assert not ended.value.code
    table = pd.read_csv(tmp_path / "tables" / "comparison.csv")
    assert table.title.tolist() == ["Independent pixels"] and table.nfe.tolist() == [1]
    assert table.loc[0, ["fid", "kid", "train_flops", "sample_ms_per_image", "peak_train_bytes"]].notna().all()
    records = [json.loads(path.read_text()) for path in (tmp_path / "cells").glob("*.json")]
    assert sorted(record["kind"] for record in records) == ["quality", "timing"]
    assert all(record["status"] == "done" for record in records)
    drawn = {path.stem for path in (tmp_path / "figures").glob("*.svg")}
    assert {"fid_vs_nfe", "fid_vs_sampling_time", "quality_vs_flops", "cost_bars", "sample_grid"} < drawn
    assert drawn <= set(figures.names())
    assert "<!-- Independent pixels -->" in (tmp_path / "figures" / "fid_vs_nfe.svg").read_text()


@pytest.fixture(scope="module")
def copy_of_the_project(tmp_path_factory):
    """A copy of the two packages with one more file of data and one more preset, which uses the new data set."""
    folder = tmp_path_factory.mktemp("project")
    for package in ("benchmarks", "paradigms"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "benchmarks" / "data" / "stripes.py").write_text(STRIPES)
    preset = 'like = "smoke"\ndescription = "Stripes"\ndatasets = ["stripes"]\n'
    (folder / "benchmarks" / "plan" / "presets" / "striped.toml").write_text(preset)
    return folder


def test_a_data_set_and_a_preset_are_listed(copy_of_the_project):
    found = json.loads(command("list", "--json", cwd=copy_of_the_project))
    assert "stripes" in found["datasets"] and found["presets"]["striped"] == "Stripes"


def test_a_preset_runs_by_its_name_on_the_new_data_set(copy_of_the_project):
    arguments = ("run", "striped", "--dry-run", "--json", "--paradigm", "diffusion", "--device", "cpu")
    cells = json.loads(command(*arguments, cwd=copy_of_the_project))
    assert [(row["cell"].rpartition(".")[0], row["state"]) for row in cells] == [
        ("diffusion.stripes.s0", "to run"),
        ("diffusion.stripes.timing", "to run"),
    ]


@pytest.fixture
def new_metric(tmp_path, monkeypatch):
    """A file in a folder that belongs to the metrics as if it were in theirs."""
    (tmp_path / "brightness.py").write_text(NEW_METRIC)
    monkeypatch.setattr(columns, "METRIC_FOLDERS", [*columns.METRIC_FOLDERS, tmp_path])
    monkeypatch.setattr(metrics, "__path__", [*metrics.__path__, str(tmp_path)])
    yield "brightness"
    sys.modules.pop("benchmarks.score.metrics.brightness", None)


def test_a_new_metric_file_is_computed_declared_and_in_the_glossary(new_metric):
    digits = data.load("digits")
    scorer = metrics.Scorer(digits, cache.load_all(digits), 180)
    scores = scorer.score(torch.from_numpy(digits.validation.images))
    assert scores["brightness_ratio"] == digits.validation.images.mean() / digits.test.images.mean()
    assert json.loads(json.dumps(scores))["fid"] == scores["fid"] and "metric_reasons" not in scores
    (column,) = columns.of_metrics()[new_metric]
    assert (column.name, column.head) == ("brightness_ratio", "brightness")
    section = columns.glossary().split("## Generated images")[1].split("\n## ")[0]
    assert "### `brightness_ratio`\nMean grey value of the samples" in section
