"""The lines between the packages that the design draws, read from the sources."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import paradigms
from benchmarks.fingerprint import imports, sources

ROOT = Path(__file__).parent.parent
PARADIGM_FILES = [paradigms.FOLDER / f"{name}.py" for name in paradigms.names()]
FILES = sorted(path for folder in ("paradigms", "benchmarks", "tests") for path in (ROOT / folder).rglob("*.py"))


def relative(path):
    return path.relative_to(ROOT).as_posix()


def modules(path):
    """Every module that a file imports, by name."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


@pytest.mark.parametrize("path", sorted((ROOT / "paradigms").rglob("*.py")), ids=relative)
def test_paradigms_import_nothing_from_benchmarks(path):
    assert not [name for name in modules(path) if name.partition(".")[0] == "benchmarks"]


@pytest.mark.parametrize("path", PARADIGM_FILES, ids=relative)
def test_a_paradigm_imports_no_other_paradigm(path):
    assert not (sources(path) - {path}) & set(PARADIGM_FILES)


@pytest.mark.parametrize("path", sorted((ROOT / "benchmarks").rglob("*.py")), ids=relative)
def test_benchmarks_know_the_interface_and_no_paradigm(path):
    assert not imports(path) & set(PARADIGM_FILES)


@pytest.mark.parametrize("module", ["paradigms", "benchmarks.cli", "benchmarks.report"])
def test_importing_does_not_import_torch(module):
    script = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


def test_importing_what_is_forked_asks_nothing_of_a_gpu():
    """A process that has asked CUDA anything cannot be forked into one that computes there."""
    script = """
import torch
def asked(*_, **__): raise SystemExit("a GPU was asked for")
torch.cuda.is_available = torch.cuda.device_count = torch.cuda.init = torch.cuda._lazy_init = asked
import benchmarks.prepare, benchmarks.cell
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_files_are_at_most_250_lines_and_functions_at_most_40(path):
    text = path.read_text()
    assert len(text.splitlines()) <= 250
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno >= 40
    }
    assert not long


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_no_file_is_named_after_what_is_left_over(path):
    assert path.stem not in ("utils", "helpers", "common", "misc")
