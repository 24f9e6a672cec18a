"""Presets and paradigms' files that are damaged or made to harm: one line of bounded length, and nothing runs."""

import sys

import pytest
import torch
from pydantic import ValidationError
from torch import nn

import paradigms
from benchmarks import options
from benchmarks.data import official, offline
from benchmarks.errors import BadInput, one_line
from benchmarks.plan import presets, selection
from benchmarks.plan.cell import Cell
from benchmarks.plan.grid import refuse_large
from benchmarks.plan.stage_contract import check_stages
from paradigms.base import Paradigm, Player, Stage
from tests.benchmarks.conftest import cells_of, grid

SMOKE = (presets.FOLDER / "smoke.toml").read_text()
FILES = {
    "no UTF-8": b"\xff\xfe" + SMOKE.encode(),
    "nested": b"a = " + b"[" * 5000 + b"]" * 5000,
    "nested tables": b"".join(b"[" + b".".join([b"a"] * n) + b"]\n" for n in range(1, 300)),
    "one long key": b'"' + b"k" * 300_000 + b'" = 1\n' + SMOKE.encode(),
    "one long value": b'description = "' + b"\\u001b[2J" * 30_000 + b'"\nseeds = "' + b"9" * 300_000 + b'"',
    "a list of a million": b"datasets = [" + b"1," * 400_000 + b"]\n" + SMOKE.split("datasets")[0].encode(),
    "too large": b"#" * (presets.MAX_BYTES + 1),
    "a huge integer": b"seeds = " + b"9" * 100_000,
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_preset_is_one_short_line(tmp_path, name):
    (path := tmp_path / "mine.toml").write_bytes(FILES[name])
    with pytest.raises(BadInput, match=r"mine\.toml") as error:
        presets.load(str(path))
    assert len(str(error.value)) < 1500 and str(error.value).isprintable()


@pytest.mark.parametrize(
    "change",
    [
        "seeds=1000000000",
        "timing_launches=1000000000",
        "nfe=[1000000000]",
        "curve_points=1000000000",
        "threads=100000",
        "n_samples=1000000000000",
        "sample_batch=99999999999",
        f"variants.{'a' * 300}.paradigm=diffusion",
        "nfe=" + "[" * 5000,
        "x" * 300_000 + "=1",
        "seeds='" + "x" * 300_000 + "'",
    ],
    ids=lambda change: change[:30],
)
def test_values_that_no_computer_can_run_are_refused_at_once(change):
    with pytest.raises(BadInput) as error:
        presets.load("smoke", [change])
    assert len(str(error.value)) < 1500 and str(error.value).isprintable()


def test_a_grid_of_too_many_cells_is_refused_before_it_is_listed():
    refuse_large(grid(["a"], seeds=1000))
    with pytest.raises(BadInput, match=r"seeds = 10000 .* are some 18\d+ cells; allowed: 50000"):
        refuse_large(grid(list("abcdefghi"), seeds=10_000, timing_launches=1))


@pytest.mark.parametrize("factor", [1e308, 1e-320])
def test_a_budget_beyond_all_numbers_is_refused(factor):
    with pytest.raises(BadInput, match="--budget"):
        selection.scaled(presets.load("smoke"), factor * (1e30 if factor > 1 else 1e-30))


@pytest.mark.parametrize("value", ["7", "None", "b'bytes'", "['list']"])
def test_a_class_fact_that_is_no_text_is_named(tmp_path, value):
    (path := tmp_path / "mine.py").write_text(f"class Mine:\n    title, task = {value}, 'generation'\n")
    if value.startswith("["):
        assert "title" not in paradigms.facts(str(path))  # no constant, so it is not read without executing it
        return
    with pytest.raises(paradigms.UnknownParadigm, match="class fact title = "):
        paradigms.facts(str(path))


def test_a_file_that_no_parser_can_hold_is_one_line(tmp_path):
    (path := tmp_path / "mine.py").write_text("x = " + "(" * 5000 + ")" * 5000)
    with pytest.raises(paradigms.UnknownParadigm) as error:
        paradigms.facts(str(path))
    assert "\n" not in str(error.value)


def test_the_packages_of_an_entry_point_are_not_imported_to_find_its_file(tmp_path, monkeypatch):
    (folder := tmp_path / "loud" / "inner").mkdir(parents=True)
    for place in (tmp_path / "loud", folder):
        (place / "__init__.py").write_text("raise SystemExit('executed')")
    (folder / "mine.py").write_text("class Mine:\n    title = 'Mine'\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(paradigms, "_plugins", lambda: {"mine": ("loud.inner.mine",), "gone": ("loud.nowhere.mine",)})
    assert paradigms.facts("mine")["title"] == "Mine"
    assert "cannot be found" in paradigms.facts_or_error("gone")["error"]
    assert "loud" not in sys.modules


class Declared(Paradigm):
    title, era, reference, task = "Declared", "other", "none", "recognition"

    def __init__(self, changes):
        super().__init__((1, 2, 2), 3)
        self.head, self.changes = nn.Linear(4, 3), changes

    def stages(self):
        usual = {"name": "all", "parameters": list(self.parameters()), "loss": lambda batch: torch.zeros(())}
        return [Stage(**usual | change) for change in self.changes]


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [{}, {}],
        [{"name": ""}],
        [{"name": 7}],
        [{"share": -1.0}],
        [{"share": 0}],
        [{"share": float("nan")}],
        [{"share": "half"}],
        [{"batch_size": -1}],
        [{"batch_size": 0}],
        [{"batch_size": 2.5}],
        [{"batch_size": True}],
        [{"parameters": []}],
        [{"parameters": [torch.zeros(2)]}],
        [{"clip_norm": -1.0}],
        [{"ema_decay": 1.5}],
        [{"loss": None}],
        [{"schedule": 0.5}],
        [{"turns": 0}],
        [{"after_update": 0.5}],
        [{"rivals": [None]}],
        [{"rivals": [Player([], torch.sum)]}],
        [{"rivals": [Player([nn.Parameter(torch.zeros(2))], torch.sum, turns=0)]}],
    ],
    ids=lambda changes: str(changes).split(", loss=")[0],  # without addresses, which differ from run to run
)
def test_a_stage_that_cannot_be_trained_as_declared_is_named_before_training(changes):
    check_stages(Declared([{}]))
    with pytest.raises(BadInput, match="Declared") as error:
        check_stages(Declared(changes))
    assert "\n" not in str(error.value)


def test_a_dry_run_downloads_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("pooch.retrieve", lambda *_, **__: pytest.fail("downloaded"))
    with offline.offline(), pytest.raises(BadInput, match="a dry run downloads nothing"):
        official.official_file(tmp_path, "a.gz", ("https://nowhere/",), "sha256:0")


def test_a_tilde_is_the_home_folder(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert options._path("~/data") == tmp_path / "data"


def test_text_in_one_line_is_short_and_harmless():
    assert one_line("a\n  b\x1b[2J\u202e\ud800c") == "a b [2J c"
    assert len(one_line("x" * 10**7)) == 300


def test_a_file_that_only_a_record_names_is_not_executed(tmp_path):
    (path := tmp_path / "mine.py").write_text('class Mine:\n    task = "generation"\n')
    cell, *_ = cells_of(selection.selected(grid(["a"]), [str(path)]))
    assert selection.trusted(cells_of(grid(["a"]))[0], []).paradigm == "diffusion"
    for files in ([], ["diffusion"], [str(tmp_path / "other.py")]):
        with pytest.raises(BadInput, match=r"a file that only a record names is not executed.*--paradigm mine\.py"):
            selection.trusted(cell, files)
    named = selection.trusted(cell, [str(path)])
    assert named.paradigm == str(path) and named.key == cell.key


@pytest.mark.parametrize("field", ["variant", "dataset", "ancestor"])
def test_the_cell_of_a_record_names_no_path(field):
    settings = cells_of(grid(["a"]))[0].model_dump()
    for name in ("../away", "/etc", "a/b", "..", ""):
        with pytest.raises(ValidationError):
            Cell.model_validate(settings | {field: name})
