"""Cells that start from another's trained chain: order, keys, cost, and what is refused."""

import pytest
import torch
from pydantic import ValidationError

from benchmarks import data
from benchmarks.errors import BadInput
from benchmarks.execute.engines.local import Local
from benchmarks.plan import presets, selection
from benchmarks.plan.preflight import check_start
from benchmarks.plan.preset import Variant
from benchmarks.store.trained import Trained
from benchmarks.train import warm_start
from benchmarks.weights import save
from paradigms import load
from tests.benchmarks.conftest import FAKE_WORKER, cells_of, grid
from tests.benchmarks.execute.test_local import Heard

SHAPE = (1, 8, 8)
FIELDS = ("unrolled", "meanflow", "shortcut", "drifting", "diffusion")


def variants(**starts):
    """Variants of those names, each starting from the one given; all of them succeed at once."""
    return {
        name: Variant(paradigm="diffusion", options={"act": "succeed"}, init_from=ancestor)
        for name, ancestor in starts.items()
    }


def built(name, **options):
    torch.manual_seed(0)
    paradigm = load(name)(SHAPE, 10, **options)
    paradigm.observe(torch.rand(64, *SHAPE) * 2 - 1, torch.arange(64) % 10)
    return paradigm


def test_a_cell_comes_after_its_ancestor_whose_configuration_is_in_its_key():
    one = cells_of(grid(["a"], variants=variants(child="parent", parent=None)), "quality")
    assert [cell.variant for cell in one] == ["parent", "child"]
    assert one[1].ancestor == one[0].trained_stem and one[0].ancestor is None
    other = variants(child="parent", parent=None)
    other["parent"] = other["parent"].model_copy(update={"budget": 2.0})
    two = cells_of(grid(["a"], variants=other), "quality")
    assert two[1].key != one[1].key


def shared(**changes):
    """Two variants that start from diffusion on half of their own budgets."""
    found = variants(parent=None, one="parent", two="parent", three="parent")
    for name, budget in (("one", 1.0), ("two", 1.0), ("three", 3.0)):
        found[name] = found[name].model_copy(update={"budget": budget, "init_share": 0.5} | changes)
    return cells_of(grid(["a"], variants=found), "quality"), cells_of(grid(["a"], variants=found), "training")


def test_a_common_start_is_trained_once_on_its_share_of_the_budget_and_is_not_scored():
    quality, starts = shared()
    assert [start.budget_flops for start in starts] == [0.5, 1.5] and {start.variant for start in starts} == {"parent"}
    by_name = {cell.variant: cell for cell in quality}
    assert by_name["one"].ancestor == by_name["two"].ancestor == starts[0].trained_stem
    assert by_name["three"].ancestor == starts[1].trained_stem and by_name["parent"].ancestor is None


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5])
def test_a_share_of_nothing_or_of_everything_is_refused(share):
    with pytest.raises(ValidationError, match="init_share"):
        Variant(paradigm="unrolled", init_from="diffusion", init_share=share)


def test_a_share_without_a_start_and_a_share_of_a_start_that_has_one_are_refused():
    alone = {"one": Variant(paradigm="unrolled", init_share=0.5)}
    twice = variants(parent=None, child="parent", grandchild="child")
    twice["grandchild"] = twice["grandchild"].model_copy(update={"init_share": 0.5})
    for found, said in ((alone, "one has none"), (twice, "starts from scratch")):
        with pytest.raises(ValidationError, match=said):
            grid(["a"], variants=found)


def test_a_start_of_its_own_leaves_the_key_as_it_was_before_there_were_ancestors():
    (cell,) = cells_of(grid(["a"]), "quality")
    assert "ancestor" not in cell.model_dump(exclude_defaults=True)


@pytest.mark.parametrize(
    ("starts", "said"),
    [({"child": "nobody"}, "no such variant"), ({"a": "b", "b": "a"}, "starts from itself")],
)
def test_an_ancestor_that_there_is_not_is_one_line(tmp_path, starts, said):
    lines = [(presets.FOLDER / "smoke.toml").read_text().split("[variants")[0]]
    lines += [f'[variants.{name}]\nparadigm = "diffusion"\ninit_from = "{start}"' for name, start in starts.items()]
    (tmp_path / "own.toml").write_text("\n".join(lines))
    with pytest.raises(BadInput, match=said) as caught:
        presets.load(str(tmp_path / "own.toml"))
    assert "\n" not in str(caught.value) and "own.toml" in str(caught.value)


def test_selecting_a_variant_selects_what_it_starts_from():
    preset = grid(["a"], variants=variants(parent=None, child="parent", grandchild="child", other=None))
    found = selection.selected(preset, ["grandchild"])
    assert list(found.variants) == ["parent", "child", "grandchild"]
    cells = cells_of(found, "training") + cells_of(found, "quality")
    assert [cell.variant for cell in cells] == ["parent", "child", "grandchild"]
    assert cells[1].ancestor == cells[0].trained_stem and cells[2].ancestor == cells[1].trained_stem
    assert [cell.kind for cell in cells] == ["training", "training", "quality"] and len(cells_of(found, "timing")) == 1


def test_an_executor_with_room_for_both_waits_for_the_ancestor(tmp_path):
    cells = cells_of(grid(["a"], variants=variants(parent=None, child="parent", other=None)), "quality")
    cells[0] = cells[0].model_copy(update={"options": {"act": "succeed", "seconds": 0.5}})
    cells = [
        cell.model_copy(update={"ancestor": cells[0].trained_stem}) if cell.variant == "child" else cell
        for cell in cells
    ]
    Local(tmp_path, 3, worker=FAKE_WORKER).run(cells, heard := Heard())
    order = [place for place, _ in heard.ended]
    assert order.index("parent.digits.s0") < order.index("child.digits.s0")


@pytest.mark.parametrize("name", FIELDS)
def test_every_field_starts_from_diffusion(name):
    source, target = built("diffusion"), built(name)
    torch.nn.init.normal_(source.net.leave.weight)
    warm_start.adopt(target, source.state_dict(), "diffusion.digits.s0")
    assert all(torch.equal(a, b) for a, b in zip(source.net.parameters(), target.net.parameters(), strict=True))


@pytest.mark.parametrize(
    ("source", "target", "said"),
    [
        (("dbn", {}), ("unrolled", {}), "there is no frequencies|there is no .* in it"),
        (("diffusion", {}), ("dbn", {}), "there is no"),
        (("dbn", {}), ("dbn", {}), "overwrites"),
        (("diffusion", {}), ("unrolled", {"width": 24}), "there and"),
        (("diffusion", {"conditional": True}), ("unrolled", {}), "nothing here takes"),
        (("diffusion", {}), ("end_to_end", {}), "has no chain"),
    ],
)
def test_weights_that_do_not_fit_are_refused_in_one_line(source, target, said):
    weights, paradigm = built(source[0], **source[1]).state_dict(), built(target[0], **target[1])
    before = {name: value.clone() for name, value in paradigm.state_dict().items()}
    with pytest.raises(BadInput, match=said) as caught:
        warm_start.adopt(paradigm, weights, "theirs")
    assert str(caught.value).startswith("init_from: ") and "\n" not in str(caught.value)
    if "overwrites" not in said:
        assert all(torch.equal(value, before[name]) for name, value in paradigm.state_dict().items())


def test_the_cost_of_the_ancestor_counts_and_is_taken_from_the_budget(tmp_path):
    source, target = built("diffusion"), built("unrolled", k=1)
    stem = "diffusion.digits.s0.01234567"
    trained = Trained(tmp_path, stem)
    save(source, trained.folder / "end.safetensors")
    training = {"flops": 5e11, "images": 100, "updates": 10, "seconds": 2.0}
    trained.finish("k", training, [])
    before = warm_start.start_from(target, tmp_path, stem)
    assert before == {"cell": stem} | training
    assert warm_start.left(1.2e12, before) == 7e11 and warm_start.left(1e12, None) == 1e12
    with pytest.raises(BadInput, match="larger budget"):
        warm_start.left(5e11, before)


def test_an_ancestor_without_weights_is_named(tmp_path):
    with pytest.raises(BadInput, match=r"diffusion\.digits\.s0 has left no weights"):
        warm_start.start_from(built("unrolled"), tmp_path, "diffusion.digits.s0")


def test_preparation_refuses_before_anything_is_trained():
    unrolled, dbn = Variant(paradigm="unrolled", init_from="rbm"), Variant(paradigm="dbn")
    with pytest.raises(BadInput, match=r"^preset 'x', variant 'y': init_from: Unrolled cannot start from"):
        check_start(unrolled, dbn, "preset 'x', variant 'y'", data.load("digits"))
