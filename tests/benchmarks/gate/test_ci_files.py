"""The CI files of docs/ci are YAML, and call the gate as it is."""

import re
import shlex

import pytest
import typer

from benchmarks import cli
from tests import ROOT

FILES = sorted((ROOT / "docs" / "ci").glob("*.yml"))


def test_there_is_one_for_github_and_one_for_gitlab():
    assert [path.stem for path in FILES] == ["github-actions", "gitlab-ci"]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_options_of_the_gate_in_a_ci_file_exist(path):
    (line,) = re.findall(r'make gate ARGS="([^"]*)"', path.read_text())
    known = {name for parameter in typer.main.get_command(cli.app).commands["gate"].params for name in parameter.opts}
    assert {word for word in shlex.split(line) if word.startswith("--")} <= known


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_ci_file_is_yaml_that_fetches_history_and_keeps_the_page(path):
    yaml = pytest.importorskip("yaml", reason="needs PyYAML")
    content = yaml.safe_load(path.read_text())
    if path.stem == "github-actions":
        steps = content["jobs"]["gate"]["steps"]
        assert steps[0]["with"]["fetch-depth"] == 0
        assert any("make gate" in step.get("run", "") for step in steps)
        assert next(s for s in steps if "upload" in s.get("uses", ""))["with"]["path"] == "results/gate"
    else:
        assert content["gate"]["variables"]["GIT_DEPTH"] == "0"
        assert content["gate"]["artifacts"]["reports"]["junit"] == "results/gate/junit.xml"
