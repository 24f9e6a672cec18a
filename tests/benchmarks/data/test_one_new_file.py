"""A data set is one new file in the folder of data sets, and no other edit."""

import sys

import pytest

from benchmarks import data
from benchmarks.errors import BadInput
from tests.benchmarks.data.stripes import SOURCE as STRIPES


@pytest.fixture
def another_folder(tmp_path, monkeypatch):
    """A folder whose files belong to the package `benchmarks.data`, as if they lay in it."""
    (folder := tmp_path / "more").mkdir()
    monkeypatch.setattr(data, "__path__", [*data.__path__, str(folder)])
    yield folder
    for path in folder.glob("*.py"):
        sys.modules.pop(f"benchmarks.data.{path.stem}", None)


def test_a_data_set_is_one_new_file(another_folder, tmp_path):
    (another_folder / "stripes.py").write_text(STRIPES)
    assert "stripes" in data.names() and data.names() == sorted(data.names())
    assert data.folder("stripes", tmp_path) == tmp_path / "stripes-files" and data.folder("digits", tmp_path) is None
    stripes = data.load("stripes", tmp_path)
    assert (stripes.name, stripes.shape, len(stripes.train)) == ("stripes", (1, 8, 8), 64)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("DATASETS = {name: None for name in 'ab'}", "must be a literal"),
        ("DATASETS = ['a', 'b']", "must be a literal"),
        ("DATASETS = {", "line 1"),
        ("DATASETS = {'mnist': None}", "declared by"),
        ("import nothing_of_that_name\nDATASETS = {'stripes': None}", "cannot be imported: ModuleNotFoundError"),
    ],
)
def test_a_data_set_file_that_cannot_be_used_is_one_line(another_folder, text, reason):
    (another_folder / "stripes.py").write_text(text)
    with pytest.raises(BadInput) as info:
        data.load("stripes")
    message = str(info.value)
    assert str(another_folder / "stripes.py") in message and reason in message and "\n" not in message
