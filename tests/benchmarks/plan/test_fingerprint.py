"""The hashes of code follow imports at any depth, and ignore comments and docstrings."""

import pytest

from benchmarks.plan import fingerprint

FILES = {
    "paradigms/__init__.py": "",
    "paradigms/one.py": '"""Words."""\nfrom paradigms.parts import net\n',
    "paradigms/two.py": "",
    "paradigms/parts/__init__.py": "",
    "paradigms/parts/net.py": "def f():\n    from . import deep\n",
    "paradigms/parts/deep.py": "",
    "benchmarks/__init__.py": "",
    "benchmarks/flops.py": "",
    "benchmarks/plan/__init__.py": "",
    "benchmarks/plan/cell.py": "",
    "benchmarks/train/__init__.py": "",
    "benchmarks/train/train.py": "import benchmarks.flops, benchmarks.plan.cell",
    "benchmarks/score/__init__.py": "",
    "benchmarks/score/metrics/__init__.py": "",
    "benchmarks/score/metrics/kernel.py": "",
    "benchmarks/report.py": "",
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(fingerprint, "ROOT", tmp_path)
    fingerprint.forget()
    yield tmp_path
    fingerprint.forget()


def codes(project):
    fingerprint.forget()
    path = project / "paradigms/one.py"
    return fingerprint.train_code(path), fingerprint.score_code(path)


@pytest.mark.parametrize(
    ("file", "trains", "scores"),
    [
        ("paradigms/one.py", True, True),
        ("paradigms/parts/deep.py", True, True),
        ("benchmarks/flops.py", True, False),
        ("benchmarks/train/train.py", True, False),
        ("benchmarks/score/metrics/kernel.py", False, True),  # found by its folder: nothing imports it
        ("benchmarks/plan/cell.py", False, False),  # settings are part of the keys by value
        ("paradigms/two.py", False, False),
        ("benchmarks/report.py", False, False),
    ],
)
def test_code_hashes_follow_imports_and_nothing_else(project, file, trains, scores):
    before = codes(project)
    with (project / file).open("a") as text:
        text.write("\nCHANGED = 1\n")
    after = codes(project)
    assert (after[0] != before[0], after[1] != before[1]) == (trains, scores)


def test_the_declaration_of_a_column_does_not_change_the_hashes(project):
    file = project / "benchmarks/score/metrics/kernel.py"
    file.write_text('COLUMNS = [\n    Column("kid", meaning="words"),\n]\nCHUNK = 1000\n')
    before = codes(project)
    file.write_text('COLUMNS = [Column("kid", meaning="other words")]\nCHUNK = 1000\n')
    assert codes(project) == before
    file.write_text('COLUMNS = [Column("kid", meaning="other words")]\nCHUNK = 500\n')
    assert codes(project) != before


def test_comments_and_docstrings_do_not_change_the_hashes(project):
    before = codes(project)
    (project / "paradigms/one.py").write_text('"""Other words."""\n\nfrom paradigms.parts import net  # why\n')
    assert codes(project) == before


@pytest.mark.parametrize("source", ['x = "# no comment"\n', "def f():\n    return 1\n", 'x = """a\n\n# b\n"""\n'])
def test_strings_that_are_no_docstrings_stay(source):
    assert fingerprint.without_comments(source).replace("\n", "") == source.replace("\n", "")


HELPER, PLUGIN = "import deeper\nVALUE = 1\n", 'import helper\nclass Mine:\n    task = "generation"\n'


@pytest.mark.parametrize("changed", ["helper.py", "deeper.py"])
def test_a_module_beside_a_plug_in_is_part_of_its_code_at_any_depth(tmp_path, changed):
    for name, text in {"mine.py": PLUGIN, "helper.py": HELPER, "deeper.py": "VALUE = 1\n"}.items():
        (tmp_path / name).write_text(text)
    fingerprint.forget()
    before = fingerprint.train_code(tmp_path / "mine.py")
    (tmp_path / changed).write_text((tmp_path / changed).read_text() + "VALUE = 2\n")
    fingerprint.forget()
    assert fingerprint.train_code(tmp_path / "mine.py") != before


def test_a_plug_in_in_a_package_brings_its_own_modules_and_no_library(tmp_path):
    package = tmp_path / "theirs" / "methods"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("")
    (package / "mine.py").write_text("import torch, numpy\nfrom ..base import Start\nfrom theirs.methods import near\n")
    (package.parent / "base.py").write_text("class Start: ...\n")
    (package / "near.py").write_text("")
    fingerprint.forget()
    found = {path.relative_to(tmp_path).as_posix() for path in fingerprint.sources(package / "mine.py")}
    assert {"theirs/base.py", "theirs/methods/near.py"} < found and len(found) <= 5
