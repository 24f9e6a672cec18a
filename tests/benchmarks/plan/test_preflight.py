import os
import shutil

import pytest
import torch

from benchmarks import data
from benchmarks.errors import BadInput
from benchmarks.execute import build_extractor, fork_server, preparation, session
from benchmarks.execute.session import Place
from benchmarks.plan import preflight, preset, presets
from benchmarks.score import floors
from benchmarks.score.extractors import cache
from tests import ROOT
from tests.benchmarks.conftest import grid

NETWORK = "tests.benchmarks.fake_network"


def prepared(variant, **changes):
    preset = grid([], variants={"mine": variant}, **changes)
    return preflight.prepare(preset, "cpu", build=False)


def diffusion(**changes):
    return preset.Variant(paradigm="diffusion", **changes)


def paradigm_file(tmp_path, body):
    path = tmp_path / "mine.py"
    path.write_text(
        "from torch import nn\nfrom paradigms.base import Paradigm, Stage\n\n\nclass Mine(Paradigm):\n"
        '    title, era, reference, task = "Mine", "now", "here", "generation"\n'
        "    def stages(self):\n        return [Stage('all', [nn.Parameter()], lambda batch: 0)]\n" + body
    )
    return str(path)


def test_a_preset_that_can_run_gets_a_device_and_the_hash_of_its_data():
    answer = prepared(diffusion(options={"width": 8}))
    assert answer["device"] == "cpu" and len(answer["data_hashes"]["digits"]) == 64


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"options": {"t_maen": 0.0}}, ["option 't_maen'", "allowed", "t_std", "did you mean 't_mean'"]),
        ({"options": {"backbone": "unnet"}}, ["unnet", "unet"]),
        ({"samplers": ["hein"]}, ["sampler 'hein'", "euler", "did you mean 'heun'"]),
        ({"nfe_of": {"ipndm": [4]}}, ["nfe_of: sampler 'ipndm'", "euler"]),
        ({"samplers": ["heun"], "nfe": [1, 3]}, ["nfe = [1, 3]", "'heun'"]),
    ],
)
def test_an_unknown_option_sampler_or_evaluation_count_is_one_line(changes, said):
    with pytest.raises(BadInput, match=r"^preset 'tiny', variant 'mine': ") as error:
        prepared(diffusion(**changes))
    for part in said:
        assert part in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nothing_of_that_name", "nothing_of_that_name"),
        ("def broken(:", "SyntaxError"),
        ("1 / 0", "ZeroDivisionError"),
        ("", "has 0 subclasses"),
    ],
)
def test_a_paradigm_file_that_does_not_import_is_refused_in_one_line(tmp_path, text, said):
    (path := tmp_path / "mine.py").write_text(text)
    with pytest.raises(BadInput, match=r"mine\.py: ") as error:
        prepared(preset.Variant(paradigm=str(path)))
    assert said in str(error.value) and "\n" not in str(error.value)


def test_an_error_of_the_paradigms_constructor_is_one_line(tmp_path):
    body = "    def __init__(self, shape, n_classes, *, k=1):\n        raise ValueError(f'k = {k}:\\nodd')\n"
    with pytest.raises(BadInput, match=r"options \{'k': 2\} on digits: k = 2: odd$"):
        prepared(preset.Variant(paradigm=paradigm_file(tmp_path, body), options={"k": 2}))


def test_a_paradigm_that_cannot_sample_needs_no_evaluation_counts(tmp_path):
    prepared(
        preset.Variant(paradigm=paradigm_file(tmp_path, "    def allows(self, nfe, sampler):\n        return False"))
    )


def test_a_device_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert preflight.resolve("auto") == "cpu"
    with pytest.raises(BadInput, match=r"cuda.*allowed: auto, cpu"):
        preflight.resolve("cuda")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert preflight.resolve("auto") == preflight.resolve("cuda") == "cuda"


def test_preparation_in_a_child_process_returns_cells_or_raises_its_error_here(tmp_path, monkeypatch, warm_server):
    monkeypatch.chdir(ROOT)
    cells = session.plan(grid([], variants={"mine": diffusion()}), Place(tmp_path, "cpu"), build=False)
    assert [cell.place for cell in cells] == ["mine.digits.s0", "mine.digits.timing"]
    with pytest.raises(BadInput, match="did you mean 'width'"):
        session.plan(grid([], variants={"mine": diffusion(options={"widht": 1})}), Place(tmp_path, "cpu"), build=False)


def fake(monkeypatch):
    """Replace the child processes by ones that import no torch."""
    for name, module in (("PREPARE", "fake_prepare"), ("SCORING_NETWORK", "fake_network")):
        monkeypatch.setattr(preparation, name, f"tests.benchmarks.{module}")
    monkeypatch.setattr(session, "WORKER", "tests.benchmarks.fake_worker")


def test_a_preparation_that_crashes_is_one_line(tmp_path, monkeypatch):
    fake(monkeypatch)
    with pytest.raises(BadInput, match=r"preset 'tiny': .* was ended by SIGSEGV; `doctor`"):
        session.plan(grid(["a"]), Place(tmp_path, "cpu"))


def test_the_cells_of_a_run_have_the_hashes_that_its_preparation_found(tmp_path, monkeypatch):
    fake(monkeypatch)
    monkeypatch.setattr(preparation, "cores", lambda: 2)
    cells = session.plan(grid(["a"]), Place(tmp_path, "cuda", data_dir=tmp_path))
    assert {(cell.device, cell.data_hash) for cell in cells} == {("cuda", "abc")}
    assert sorted(os.listdir(tmp_path)) == [".work", "autoencoder", "cnn"]
    assert cells[0].extractor_hashes == ["digits-cnn", "digits-autoencoder"]


def test_children_work_in_parallel_and_their_values_come_in_the_order_of_the_requests(tmp_path):
    requests = [{"dataset": "digits", "kind": kind, "data_dir": tmp_path} for kind in ("b", "a")]
    assert fork_server.ask_all(NETWORK, requests, 2) == ["digits-b", "digits-a"]
    assert fork_server.ask_all(NETWORK, requests, 1) == ["digits-b", "digits-a"]
    assert fork_server.ask_all(NETWORK, [], 1) == []


def test_the_first_child_that_raises_ends_the_others(tmp_path):
    requests = [{"dataset": "digits", "kind": kind, "data_dir": tmp_path} for kind in ("waits", "refused")]
    with pytest.raises(BadInput, match="refused"):
        fork_server.ask_all(NETWORK, requests, 2)
    assert not (tmp_path / "gave up").exists()


def test_the_inception_extractor_names_the_file_or_package_that_is_missing(tmp_path):
    preset = presets.load("smoke", ['extractors=["cnn", "inception"]'])
    with pytest.raises(BadInput, match=r"extractor inception: .* (absent|cannot be imported)"):
        preflight.prepare(preset, data_dir=tmp_path)


def test_a_cached_network_without_floors_for_the_number_of_samples_gets_them_in_preparation(tmp_path, monkeypatch):
    digits = data.load("digits")
    cache.load(digits)
    shutil.copy(cache._path(digits, "cnn"), tmp_path)
    monkeypatch.setattr(cache, "_cache", lambda _: tmp_path)
    monkeypatch.setattr(floors, "N_DRAWS", 2)
    presets_ = [presets.load("smoke", [f"n_samples={n}", 'extractors=["cnn"]']) for n in (64, 65)]
    answers = [preflight.prepare(preset, "cpu") for preset in presets_]
    assert [answer["unbuilt"] for answer in answers] == [[("digits", "cnn")]] * 2
    assert build_extractor.answer("digits", "cnn", n_samples=64) == answers[0]["extractors"]["digits", "cnn"]
    assert [preflight.prepare(preset, "cpu")["unbuilt"] for preset in presets_] == [[], [("digits", "cnn")]]
