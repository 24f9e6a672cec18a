"""Which generators are trained by one loss and which by local losses, and what is compared of them."""

from __future__ import annotations

import pytest

from benchmarks.report.frames import read
from benchmarks.report.frames.loss_families import LOCAL, ONE_LOSS, best, family, loss_families
from tests import ROOT
from tests.benchmarks import fake_run

# variant -> (era, on-policy reach by NFE, NFE that it is trained for)
KINDS = {
    "chain": ("layer-wise", {4: 1.0}, 4),  # its reach says that one loss trains the chain, whatever its era
    "last-step": ("step-wise", {1: 0.0, 4: 0.25}, 4),
    "decoder": ("end-to-end", {1: 0.0}, 1),  # by its era: its inputs in training are no inputs of inference
    "flow": ("step-wise", {1: 0.0, 4: 0.0}, None),
    "jumps": ("towards end-to-end", {1: 0.0, 2: 0.04}, 1),  # on its own input at a length that it is not trained for
}
OF = {"chain": ONE_LOSS, "last-step": ONE_LOSS, "decoder": ONE_LOSS, "flow": LOCAL, "jumps": LOCAL}
RATIOS = {
    **{"chain": [9, 7, 2, 3], "last-step": [8, 6, 3, 3], "decoder": [3, 3, 3, 3]},
    **{"flow": [90, 9, 4, 1.3], "jumps": [5, 2, 3, 2]},
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A run with one variant of every kind, two seeds each."""
    for name, (era, reach, natural) in KINDS.items():
        facts = {"paradigm": name, "era": era, "task": "generation", "title": name.title()}
        monkeypatch.setitem(fake_run.VARIANTS, name, facts)
        monkeypatch.setitem(fake_run.RATIOS, name, RATIOS[name])
        graphs = [{"graph": "generation", "nfe": nfe, "on_policy_reach": value} for nfe, value in reach.items()]
        for repetition in range(2):
            record = fake_run.quality(name, repetition, npz=False)
            record["quality"]["reach"] = {"natural_nfe": natural, "graphs": graphs}
            fake_run.write(tmp_path, record)
    return tmp_path


def test_the_kind_of_loss_is_what_reach_and_era_say_and_not_the_name(folder):
    assert family(read(folder)).to_dict() == OF


def test_every_generator_stands_with_its_interval_at_every_number_of_evaluations(folder):
    table = loss_families(read(folder).of("digits"))
    assert {name: len(rows) for name, rows in table.groupby("variant")} == {n: len(r) for n, r in RATIOS.items()}
    assert (table.low < table["mean"]).all() and (table["mean"] < table.high).all() and set(table.n) == {2}
    found = {(row.nfe, row.family): row.variant for row in best(table).itertuples()}
    assert found[1, ONE_LOSS] == "decoder" and found[1, LOCAL] == "jumps" and found[8, LOCAL] == "flow"


def test_methods_with_other_budgets_or_marks_are_left_out(folder):
    for repetition in range(2):
        record = fake_run.quality("flow", repetition, npz=False)
        record["training"]["flops"] = 4e13
        fake_run.write(folder, record)
        record = fake_run.quality("decoder", repetition, npz=False)
        record["quality"]["marks"] = [{"mark": "copies training images", "why": "it does"}]
        fake_run.write(folder, record)
    assert set(loss_families(read(folder).of("digits")).variant) == {"chain", "last-step", "jumps"}


def test_of_budgets_with_as_many_methods_the_largest_is_compared(folder, monkeypatch):
    for name in KINDS:
        monkeypatch.setitem(fake_run.VARIANTS, f"{name}-long", fake_run.VARIANTS[name])
        monkeypatch.setitem(fake_run.RATIOS, f"{name}-long", RATIOS[name])
        for repetition in range(2):
            record = fake_run.quality(f"{name}-long", repetition, npz=False)
            record["training"]["flops"] = 4e13
            fake_run.write(folder, record)
    assert set(loss_families(read(folder).of("digits")).variant) == {f"{name}-long" for name in KINDS}


def test_one_kind_of_loss_alone_is_no_comparison(tmp_path):
    fake_run.write_run(tmp_path, ("unrolled-k1", "unrolled-k4"), n_seeds=2, npz=False)
    assert loss_families(read(tmp_path).of("digits")).empty


def test_the_digits_compare_chains_of_one_loss_with_diffusion_and_meanflow():
    frames = read(ROOT / "results" / "reference" / "digits").of("digits")
    families = loss_families(frames).groupby("variant").family.first().to_dict()
    expected = {"diffusion": LOCAL, "meanflow": LOCAL, "unrolled-k1": ONE_LOSS, "diffusion-unrolled-k4": ONE_LOSS}
    assert families == expected
