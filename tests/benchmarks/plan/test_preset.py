import json

import pytest

from benchmarks.errors import BadInput
from benchmarks.plan import presets, selection, settings
from benchmarks.plan.cell import Cell
from benchmarks.plan.grid import task
from benchmarks.plan.preset import Preset, Variant
from tests.benchmarks.conftest import cells_of, grid


def test_every_preset_of_the_project_is_valid():
    for name in presets.names():
        assert cells_of(presets.load(name), "quality")


def test_a_preset_gives_one_quality_cell_per_repetition_and_then_one_timing_cell_per_variant():
    cells = cells_of(grid(["a", "b"], seeds=3))
    assert [cell.kind for cell in cells] == ["quality"] * 6 + ["timing"] * 2
    assert [cell.place for cell in cells[:3]] == ["a.digits.s0", "b.digits.s0", "a.digits.s1"]


def test_the_seed_depends_on_repetition_and_data_set_and_not_on_the_paradigm():
    cells = cells_of(grid(["a", "b"], seeds=2, datasets=["digits", "mnist"]), "quality")
    assert len({cell.seed for cell in cells}) == 4
    assert len({cell.seed for cell in cells if (cell.dataset, cell.repetition) == ("mnist", 1)}) == 1


def test_every_timing_launch_is_a_cell_and_all_variants_come_once_per_launch():
    cells = cells_of(grid(["a", "b"], timing_launches=3), "timing")
    assert [cell.place for cell in cells[:3]] == ["a.digits.timing", "b.digits.timing", "a.digits.timing1"]
    assert len(cells) == len({cell.key for cell in cells}) == 6
    assert cells_of(grid(["a"], timing_launches=3), "timing")[0].key == cells_of(grid(["a"]), "timing")[0].key


def test_the_a_a_preset_repeats_the_same_code_often_enough_for_two_arms_of_ten():
    preset = presets.load("aa")
    assert preset.seeds >= 20 and preset.timing_launches >= 10
    tasks = [task(variant.paradigm) for variant in preset.variants.values()]
    assert sorted(tasks) == ["generation", "recognition"]


def test_a_sampler_may_have_numbers_of_evaluations_of_its_own():
    variant = Variant(paradigm="diffusion", samplers=["euler", "ipndm"], nfe_of={"ipndm": [4, 8]})
    cell = cells_of(grid(["unused"], nfe=[1, 2], variants={"diffusion": variant}))[0]
    assert (cell.nfes("euler"), cell.nfes("ipndm")) == ([1, 2], [4, 8])


def test_a_cell_survives_json_and_keeps_its_key():
    cell = cells_of(grid(["a"]))[0]
    again = Cell.model_validate(json.loads(json.dumps(cell.model_dump())))
    assert again == cell and again.key == cell.key


@pytest.mark.parametrize(
    ("change", "trains", "scores", "times"),
    [
        ({"options": {"act": "b"}}, True, True, True),
        ({"seed": 7}, True, True, True),
        ({"data_hash": "other"}, True, True, True),
        ({"train_code": "other"}, True, True, True),
        ({"ancestor": "other"}, True, True, True),
        ({"threads": 2}, True, True, True),
        ({"device": "cuda"}, True, True, True),
        ({"budget_flops": 2.0}, True, True, True),
        ({"compute": ["bfloat16"]}, True, True, True),
        ({"curve_points": 5}, True, True, True),
        ({"n_samples": 5}, False, True, True),
        ({"nfe": [2]}, False, True, True),
        ({"extractors": ["cnn"]}, False, True, True),
        ({"score_code": "other"}, False, True, False),
        ({"extractor_hashes": ["other", None]}, False, True, False),
        ({"timing_seconds": 9.0}, False, False, True),
        ({"cost_code": "other"}, False, False, True),
        ({"limit_seconds": 9.0}, False, False, False),
        ({"title": "another"}, False, False, False),
        ({"preset": "another"}, False, False, False),
    ],
)
def test_each_key_changes_exactly_with_what_can_change_its_result(change, trains, scores, times):
    quality, *_, timing = cells_of(grid(["a"]))
    assert (quality.model_copy(update=change).train_key != quality.train_key) == trains
    assert (quality.model_copy(update=change).key != quality.key) == scores
    assert (timing.model_copy(update=change).key != timing.key) == times


def test_every_setting_of_a_preset_is_declared_once_and_reaches_its_cells():
    groups = (settings.TrainSettings, settings.ScoreSettings, settings.TimeSettings, settings.Limits)
    for group in groups:
        assert issubclass(Preset, group) and issubclass(Cell, group)
        for model in (Preset, Cell):
            assert not set(group.model_fields) & set(vars(model).get("__annotations__", {})), model
    preset = grid(["a"], threads=3, curve_points=4, n_samples=5, timing_seconds=6.0, limit_seconds=7.0)
    cell = cells_of(preset)[0]
    names = [name for group in groups for name in group.model_fields]
    assert {name: getattr(cell, name) for name in names} == {name: getattr(preset, name) for name in names}


def test_the_key_of_a_paradigm_file_does_not_depend_on_where_it_lies(tmp_path):
    keys = set()
    for folder in ("here", "there"):
        path = tmp_path / folder / "mine.py"
        path.parent.mkdir()
        path.write_text('class Mine:\n    task = "generation"\n')
        keys.add(cells_of(selection.selected(grid(["a"]), [str(path)]))[0].key)
    assert len(keys) == 1


def test_variants_are_chosen_by_variant_by_paradigm_and_by_file(tmp_path):
    digits = presets.load("digits")
    assert list(selection.selected(digits, ["unrolled-k1"]).variants) == ["unrolled-k1"]
    unrolled = [name for name, variant in digits.variants.items() if variant.paradigm == "unrolled"]
    chosen = selection.selected(digits, ["unrolled"]).variants
    assert [name for name, variant in chosen.items() if not variant.only_start] == unrolled
    assert [name for name, variant in chosen.items() if variant.only_start] == ["diffusion"]  # what one starts from
    file = tmp_path / "My_Own.py"
    file.write_text("")
    assert selection.selected(digits, [str(file)]).variants == {"my-own": Variant(paradigm=str(file))}
    assert selection.selected(digits, []) == digits


def test_a_paradigm_that_the_preset_lacks_runs_with_default_options():
    assert selection.selected(grid(["a"]), ["meanflow"]).variants == {"meanflow": Variant(paradigm="meanflow")}


def test_the_budget_scales_with_its_factor_and_follows_the_task():
    preset = selection.scaled(presets.load("digits"), 0.5)
    assert preset.budget_flops.generation == 0.5 * presets.load("digits").budget_flops.generation
    by_variant = {cell.variant: cell.budget_flops for cell in cells_of(preset)}
    assert by_variant["diffusion"] == preset.budget_flops.generation
    assert by_variant["dbn"] == preset.budget_flops.recognition


def test_the_setting_compute_reaches_every_cell():
    assert {tuple(cell.compute) for cell in cells_of(presets.load("digits", ["compute=['bfloat16']"]))} == {
        ("bfloat16",)
    }


def test_set_reads_toml_values_at_any_depth_and_strings_without_quotes():
    changes = ["nfe=[2,3]", "variants.diffusion.options.backbone=mlp", "variants.diffusion.options.width=32"]
    preset = presets.load("digits", changes)
    assert preset.nfe == [2, 3]
    assert preset.variants["diffusion"].options == {"backbone": "mlp", "width": 32}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("nfe=[0]", ["nfe[0] = 0", "greater than 0"]),
        ("nfe=[]", ["nfe = []", "at least 1"]),
        ("nfe=[1,1]", ["nfe", "repeated"]),
        ("seeds=0", ["seeds = 0", "greater than 0"]),
        ("seeds=[]", ["seeds = []", "integer"]),
        ("seeds=1.5", ["seeds = 1.5", "integer"]),
        ("seeds='3'", ["seeds = '3'", "integer"]),
        ("sedes=3", ["'sedes'", "unknown", "allowed", "did you mean 'seeds'"]),
        ("budget_flops.generations=1.0", ["budget_flops.generations", "did you mean 'generation'"]),
        ("variants.dbn.optoins={}", ["variants.dbn.optoins", "did you mean 'options'"]),
        ("variants.new={}", ["variants.new.paradigm", "missing"]),
        ("variants.dbn.options={lr=nan}", ["variants.dbn.options"]),
        ("variants.dbn.options={lr=2020-01-01}", ["variants.dbn.options"]),
        ("datasets=['digit']", ["'digit'", "cifar10", "did you mean 'digits'"]),
        ("datasets=digits", ["datasets = 'digits'", "list"]),
        ("n_samples=many", ["n_samples = 'many'", "integer or 'train'"]),
        ("budget_flops.generation=-1.0", ["budget_flops.generation = -1.0", "greater than 0"]),
        ("compute=['float16']", ["compute[0] = 'float16'", "'bfloat16', 'channels_last' or 'compiled'"]),
        ("seeds.deep=1", ["seeds"]),
        ("seeds", ["key=value"]),
    ],
)
def test_a_bad_value_is_refused_in_one_line_that_names_it(change, said):
    with pytest.raises(BadInput) as error:
        presets.load("digits", [change])
    line = str(error.value)
    assert "\n" not in line and line.startswith("--set")
    for part in said:
        assert part in line


def test_a_preset_file_is_named_in_its_errors(tmp_path):
    digits = (presets.FOLDER / "digits.toml").read_text()
    for text, said in (
        ("seeds = 3", " is missing"),
        ("seeds = 3]", "at line 1"),
        (digits.replace("seeds = 3", "seeds = '3'"), "seeds = '3'"),
    ):
        (path := tmp_path / "mine.toml").write_text(text)
        with pytest.raises(BadInput, match=r"^preset file .*mine\.toml: ") as error:
            presets.load(str(path))
        assert said in str(error.value) and "\n" not in str(error.value)


def test_a_preset_like_another_takes_the_keys_that_it_does_not_set(tmp_path):
    (path := tmp_path / "digits.toml").write_text('like = "digits"\nseeds = 7\n[budget_flops]\ngeneration = 5.0\n')
    with pytest.raises(BadInput, match=r"recognition' is missing"):
        presets.load(str(path))
    path.write_text(path.read_text() + "recognition = 6.0\n")
    mine, digits = presets.load(str(path)), presets.load("digits")
    assert (mine.seeds, mine.budget_flops.generation) == (7, 5.0)
    assert (mine.variants, mine.nfe, mine.datasets) == (digits.variants, digits.nfe, digits.datasets)
    path.write_text('like = "digist"')
    with pytest.raises(BadInput, match=r"digits\.toml: like = 'digist'; allowed: .*did you mean 'digits'"):
        presets.load(str(path))


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(BadInput, match=r"'digist' is unknown; allowed: .*smoke.*did you mean 'digits'"):
        presets.load("digist")


def test_an_unknown_paradigm_names_the_nearest():
    with pytest.raises(BadInput, match=r"difusion.*allowed: .*meanflow.*did you mean 'diffusion'"):
        selection.selected(presets.load("digits"), ["difusion"])


def test_a_paradigm_without_a_task_is_refused(tmp_path):
    (path := tmp_path / "mine.py").write_text("class Mine:\n    task = 'driving'\n")
    with pytest.raises(BadInput, match=r"mine\.py.*'driving'.*allowed: generation, recognition"):
        cells_of(selection.selected(presets.load("digits"), [str(path)]))
