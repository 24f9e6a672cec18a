"""Which file may import which, how long files and functions may be: read from the sources."""

import ast
import subprocess
import sys

import pytest

import paradigms
from benchmarks.plan.fingerprint import imports, sources
from tests import ROOT

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


def within(folder):
    return [path for path in FILES if path.is_relative_to(ROOT / folder)]


def test_paradigms_import_nothing_from_benchmarks():
    named = {relative(path): [*modules(path)] for path in within("paradigms")}
    assert not {path: names for path, names in named.items() if any(n.partition(".")[0] == "benchmarks" for n in names)}


def test_a_paradigm_imports_no_other_paradigm():
    others = {relative(path): (sources(path) - {path}) & set(PARADIGM_FILES) for path in PARADIGM_FILES}
    assert not {path: found for path, found in others.items() if found}


def test_benchmarks_import_the_interface_and_no_paradigm():
    assert not [relative(path) for path in within("benchmarks") if imports(path) & set(PARADIGM_FILES)]


@pytest.mark.parametrize("module", ["paradigms", "benchmarks.cli", "benchmarks.report"])
def test_importing_does_not_import_torch(module):
    script = f"import sys, {module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


HEAVY = ("torch", "pandas", "matplotlib", "scipy", "numpy", "rich")  # the first takes seconds, the others 0.05 to 0.5 s


@pytest.mark.parametrize("line", ["--help", "run --help", "list"])
def test_help_and_list_import_nothing_that_computes_or_draws(line):
    script = f"""
import sys
from benchmarks import cli
try:
    cli.main({line.split()})
except SystemExit as ended:
    sys.exit(ended.code or any(name in sys.modules for name in {HEAVY}))
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.DEVNULL).returncode == 0


def test_importing_what_is_forked_does_not_initialise_a_gpu():
    """CUDA does not survive a fork: a process that has initialised it cannot have children that compute on the GPU."""
    script = """
import torch
def used(*_, **__): raise SystemExit("the GPU was used")
torch.cuda.is_available = torch.cuda.device_count = torch.cuda.init = torch.cuda._lazy_init = used
import benchmarks.plan.preflight, benchmarks.worker
"""
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT).returncode == 0


def edges(path):
    """The files of this project that a file imports by name, at any depth and under TYPE_CHECKING too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {file(alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {file(f"{node.module}.{alias.name}") or file(node.module or "") for alias in node.names}
    return found - {None}


def file(module):
    place = ROOT.joinpath(*module.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


def test_imports_have_no_cycle():
    """The files can be put in an order in which each imports only earlier ones."""
    ahead = {path: edges(path) - {path} for path in FILES}
    while ready := [path for path, wanted in ahead.items() if not wanted & ahead.keys()]:
        for path in ready:
            del ahead[path]
    assert not {relative(path): sorted(map(relative, wanted & ahead.keys())) for path, wanted in ahead.items()}


INDEPENDENT = ("train", "score", "cost")


@pytest.mark.parametrize("folder", INDEPENDENT)
def test_training_scoring_and_costs_import_neither_one_another_nor_the_worker(folder):
    forbidden = [f"benchmarks/{other}/" for other in INDEPENDENT if other != folder] + ["benchmarks/worker.py"]
    for path in (ROOT / "benchmarks" / folder).rglob("*.py"):
        assert not [relative(other) for other in edges(path) if relative(other).startswith(tuple(forbidden))], path


def test_no_two_classes_have_one_name():
    places = {}
    for path in FILES:
        if path.is_relative_to(ROOT / "tests"):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                places.setdefault(node.name, []).append(relative(path))
    assert not {name: files for name, files in places.items() if len(files) > 1}


def functions(path):
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]


def test_files_are_at_most_250_lines_and_functions_at_most_40():
    assert not [relative(path) for path in FILES if len(path.read_text().splitlines()) > 250]
    found = [(relative(path), node) for path in FILES for node in functions(path)]
    assert not [(path, node.name) for path, node in found if node.end_lineno - node.lineno >= 40]


def test_every_file_is_named_after_an_idea():
    assert not [relative(path) for path in FILES if path.stem in ("utils", "helpers", "common", "misc")]
