"""Names that mean nothing, or two things, are refused in one line before anything runs."""

import pytest

from benchmarks.errors import BadInput
from benchmarks.plan import presets, selection
from benchmarks.plan.preflight import prepare
from benchmarks.plan.preset import Variant
from benchmarks.plan.settings import DeclaredLook
from paradigms import UnknownParadigm
from tests.benchmarks.conftest import grid

PLUG_IN = 'class Mine:\n    task = "generation"\n'


@pytest.fixture
def write(tmp_path):
    def write(name, text=PLUG_IN):
        (path := tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    return write


def one_line(kind, call, *arguments):
    with pytest.raises(kind) as error:
        call(*arguments)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (["budget_of.digit=0.5"], ["--set budget_of.digit=0.5", "'digit'", "allowed: digits", "did you mean 'digits'"]),
        (["budget_of={mnist=0.5}"], ["--set budget_of=", "'mnist'", "allowed: digits"]),
        (
            ["variants.diffusion.series=chain", "looks.chian={color='blue',marker='o'}"],
            ["--set looks.chian=", "'chian'", "did you mean 'chain'"],
        ),
        (["looks.chain={color='blue',marker='o'}"], ["--set looks.chain=", "'chain'", "allowed: ", "diffusion"]),
    ],
)
def test_a_key_that_names_nothing_of_the_preset_is_refused(changes, said):
    line = one_line(BadInput, presets.load, "digits", changes)
    assert all(part in line for part in said), line


def test_keys_that_name_a_data_set_or_a_series_are_taken():
    changes = ["budget_of.digits=0.5", "variants.diffusion.series=chain", "looks.chain={color='blue',marker='o'}"]
    preset = presets.load("digits", changes)
    assert preset.budget_of == {"digits": 0.5} and preset.looks == {"chain": DeclaredLook(color="blue", marker="o")}


def test_looks_may_name_a_family_of_chains():
    assert "One loss" in presets.load("stepwise").looks


def test_fewer_data_sets_on_the_command_line_leave_the_budgets_of_the_others_unused():
    assert presets.load("depth", ["datasets=['mnist']"]).budget_of == presets.load("depth").budget_of
    line = one_line(BadInput, presets.load, "depth", ["datasets=['mnist']", "budget_of.digits=0.5"])
    assert "'digits'" in line


def test_a_preset_file_whose_budgets_name_another_data_set_is_refused(write):
    path = write("mine.toml", 'like = "digits"\nbudget_of = { mnist = 2.0 }\n')
    assert one_line(BadInput, presets.load, path).startswith(f"preset file {path}: budget_of: 'mnist'")


def test_two_files_of_one_name_in_one_command_are_refused(write):
    files = [write("here/mine.py"), write("there/mine.py")]
    assert "rename" in one_line(BadInput, selection.selected, grid(["a"]), files)


def test_two_variants_of_a_preset_with_files_of_one_name_are_refused(write):
    text = (
        "from torch import nn\nfrom paradigms.base import Paradigm, Stage\n\n"
        + PLUG_IN.replace("class Mine", "class Mine(Paradigm)")
        + "    def stages(self):\n        return [Stage('all', [nn.Parameter()], lambda batch: 0)]\n"
    )
    files = {name: write(f"{name}/mine.py", text) for name in ("here", "there")}
    preset = grid(["a"], variants={name: Variant(paradigm=path) for name, path in files.items()})
    line = one_line(BadInput, prepare, preset, "cpu", None, False)
    assert "here/mine.py" in line and "there/mine.py" in line and "rename" in line


def test_two_files_whose_names_differ_in_case_alone_are_refused(write):
    files = [write("here/My_Own.py"), write("there/my-own.py")]
    assert "my-own" in one_line(BadInput, selection.selected, grid(["a"]), files)


def test_one_file_given_twice_is_one_variant(write):
    path = write("mine.py")
    assert list(selection.selected(grid(["a"]), [path, path]).variants) == ["mine"]


def test_a_file_named_like_a_variant_of_the_preset_is_refused(write):
    line = one_line(BadInput, selection.selected, presets.load("digits"), [write("unrolled_k1.py")])
    assert "unrolled-k1" in line and "rename" in line


def test_a_file_named_like_a_paradigm_of_the_project_is_refused(write):
    assert "rename" in one_line(UnknownParadigm, selection.selected, grid(["a"]), [write("diffusion.py")])


def test_an_entry_point_of_a_package_is_a_variant_of_its_own_name(write, monkeypatch, tmp_path):
    import paradigms

    monkeypatch.syspath_prepend(str(tmp_path))
    for package in ("first_package", "second_package"):
        write(f"{package}/__init__.py")
    modules = {"one_step": ("first_package",), "two.step": ("second_package",)}
    monkeypatch.setattr(paradigms, "_plugins", lambda: modules)
    assert list(selection.selected(grid(["a"]), list(modules)).variants) == ["one-step", "two-step"]
