"""Names of paradigms are unique, facts are read as Python would, and a broken plug-in hides no other."""

import sys
from importlib.metadata import EntryPoint

import pytest

import paradigms

FACTS = {"title": "Mine", "era": "other", "reference": "none", "task": "generation"}
PLUG_IN = """
from paradigms.base import Paradigm

class Mine(Paradigm):
    title, era, reference, task = "Mine", "other", "none", "generation"
"""


@pytest.fixture
def write(tmp_path):
    """Writes a file below a folder of this test and returns its path as text."""

    def write(name, text=PLUG_IN):
        (path := tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return str(path)

    return write


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """Declares entry points, given as (name, module), that are found beside the files of `write`."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def declare(*points):
        found = [EntryPoint(name, module, paradigms.GROUP) for name, module in points]
        monkeypatch.setattr(paradigms, "entry_points", lambda group: found)
        paradigms._plugins.cache_clear()

    yield declare
    paradigms._plugins.cache_clear()
    for name in set(sys.modules) - before:
        del sys.modules[name]


def refused(name):
    with pytest.raises(paradigms.UnknownParadigm) as error:
        paradigms.source(name)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_file_named_like_a_paradigm_of_the_project_is_refused_and_that_one_stays(write):
    said = refused(write("diffusion.py"))
    assert "diffusion.py" in said and "rename" in said
    assert paradigms.source("diffusion") == paradigms.FOLDER / "diffusion.py"


def test_the_path_of_a_paradigm_of_the_project_is_that_paradigm():
    own = paradigms.FOLDER / "diffusion.py"
    assert paradigms.load(str(own)) is paradigms.load("diffusion")


def test_two_files_of_one_name_are_refused_together_and_one_may_be_given_twice(write):
    here, there = write("here/mine.py"), write("there/mine.py")
    paradigms.check_distinct([here, here, "diffusion", write("other.py")])
    with pytest.raises(paradigms.UnknownParadigm, match=r"here/mine\.py.*there/mine\.py.*rename") as error:
        paradigms.check_distinct([here, "diffusion", there])
    assert "\n" not in str(error.value)


def test_a_file_named_like_an_entry_point_is_refused_unless_it_is_its_file(write, installed):
    installed(("mine", "theirs"))
    own = write("theirs.py")
    assert paradigms.source("mine") == paradigms.source(own)
    assert "mine.py" in refused(write("elsewhere/mine.py"))


def test_two_packages_are_named_by_their_entry_points(write, installed):
    for package in ("first", "second"):
        write(f"{package}/__init__.py", PLUG_IN.replace('"Mine"', f'"{package.title()}"'))
    installed(("one", "first"), ("two", "second"))
    assert {"one", "two"} < set(paradigms.names())
    assert [paradigms.facts(name)["name"] for name in ("one", "two")] == ["one", "two"]
    assert [paradigms.facts(name)["title"] for name in ("one", "two")] == ["First", "Second"]
    assert [paradigms.load(name).title for name in ("one", "two")] == ["First", "Second"]


def test_an_entry_point_named_like_a_paradigm_of_the_project_is_refused_by_that_name(write, installed):
    write("theirs.py")
    installed(("diffusion", "theirs"))
    said = refused("diffusion")
    assert "theirs" in said and "rename" in said


def test_two_entry_points_of_one_name_are_refused_unless_they_are_the_same(write, installed):
    write("first.py"), write("second.py")
    installed(("mine", "first"), ("mine", "second"))
    said = refused("mine")
    assert "first" in said and "second" in said
    installed(("mine", "first"), ("mine", "first"))
    assert paradigms.load("mine").title == "Mine"


ANNOTATED = """
from typing import ClassVar

class Mine:
    title: ClassVar[str] = "Mine"
    era: str = "other"
    reference: str = "none"
    task: str = "generation"
    later: int
"""
INHERITED = """
from paradigms.base import Paradigm

class Facts:
    title, task = "Not mine", "generation"
    reference = "none"

class Base(Facts):
    era = "other"

class Mine(Base, Paradigm):
    title = "Mine"

class Helper(dict):
    title = "A helper"
    name = "helper"
"""
CALCULATED = PLUG_IN.replace('"Mine", "other"', '"Mi" "ne", "other"')


@pytest.mark.parametrize("text", [PLUG_IN, ANNOTATED, INHERITED, CALCULATED])
def test_facts_are_read_however_they_are_written(write, text):
    assert paradigms.facts(write("mine.py", text)) == FACTS | {"name": "mine", "summary": ""}


def test_a_class_may_have_an_own_base_class_in_its_file(write):
    text = PLUG_IN.replace("class Mine(", "class Base(") + "\nclass Mine(Base):\n    title = 'Derived'\n"
    path = write("mine.py", text)
    assert paradigms.load(path).title == paradigms.facts(path)["title"] == "Derived"


@pytest.mark.parametrize(
    "encoded",
    [
        b"\xef\xbb\xbf" + ANNOTATED.encode(),
        b"# -*- coding: latin-1 -*-\n" + ANNOTATED.replace("Mine", "M\u00efne").encode("latin-1"),
    ],
    ids=["byte-order mark", "coding cookie"],
)
def test_a_file_is_decoded_as_python_decodes_it(write, encoded):
    assert paradigms.facts(write("mine.py", encoded))["title"] in ("Mine", "M\u00efne")


BROKEN = {
    "syntax": b"class Mine(:\n",
    "undecodable": b"title = '\xff'\n",
    "unknown encoding": b"# coding: klingon\n",
    "null byte": b"x = 1\0\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_not_python_is_one_line_and_does_not_end_the_listing(write, name):
    path = write("mine.py", BROKEN[name])
    with pytest.raises(paradigms.UnknownParadigm, match=r"mine\.py") as error:
        paradigms.facts(path)
    assert "\n" not in str(error.value)
    found = paradigms.facts_or_error(path)
    assert found["name"] == "mine" and found["title"] == f"error: {error.value}"


@pytest.mark.parametrize(("module", "file"), [("gone", None), ("gone.deep", None), ("fails.deep", "fails/__init__.py")])
def test_a_stale_entry_point_is_listed_with_its_error_and_the_others_with_their_facts(write, installed, module, file):
    if file:
        write(file, "raise RuntimeError('two\\nlines')")
    write("theirs.py")
    installed(("stale", module), ("healthy", "theirs"))
    found = {name: paradigms.facts_or_error(name) for name in paradigms.names()}
    assert found["stale"]["title"].startswith("error: ") and "\n" not in found["stale"]["title"]
    assert found["healthy"] == FACTS | {"name": "healthy", "summary": ""}
    assert found["diffusion"]["task"] == "generation"


def test_a_healthy_paradigm_has_the_same_facts_with_and_without_error():
    assert paradigms.facts_or_error("diffusion") == paradigms.facts("diffusion")
