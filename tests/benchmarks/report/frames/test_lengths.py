"""Generators at their natural NFE: families of chains, single changes, and their figures, from invented records."""

import numpy as np
import pytest

from benchmarks.plan import grid, presets
from benchmarks.report import caption, figures
from benchmarks.report.figures import chain_length, one_change, paths, style
from benchmarks.report.frames import read
from benchmarks.report.frames.comparison import comparison
from benchmarks.report.frames.lengths import by_budget, entries, families, main
from benchmarks.report.frames.lengths import one_change as most_changed
from benchmarks.report.tables import at_length
from tests.benchmarks import fake_run

RATIOS = {1: 5.0, 2: 4.0, 4: 3.0, 8: 6.0}


def record(name, options, natural, ratio, repetition=0, paradigm="unrolled", flops=1e12):
    made = fake_run.quality(name, repetition, npz=False)
    made["cell"] |= {"paradigm": paradigm, "options": options, "task": "generation", "title": name.replace("-", " = ")}
    made["training"]["flops"] = flops
    score = dict(fake_run.quality("meanflow", repetition)["quality"]["samples"][0])
    made["quality"]["samples"] = [
        score
        | {"nfe": nfe, "nfe_asked": nfe, "fid_ratio": ratio * (1 + 0.1 * repetition) * (1 if nfe == natural else 9)}
        for nfe in (1, 2, 4, 8)
    ]
    made["quality"]["reach"] = made["quality"].get("reach", {}) | {"natural_nfe": natural}
    return made


def fill(folder, seeds=2):
    for repetition in range(seeds):
        for k, ratio in RATIOS.items():
            fake_run.write(folder, record(f"K-{k}", {"k": k}, k, ratio, repetition))
        for name, change in {"reach": {"reach": 1}, "batch": {"batch": 32}, "loss": {"loss": "energy"}}.items():
            fake_run.write(folder, record(name, {"k": 4} | change, 4, 4.0, repetition))
        fake_run.write(folder, record("both", {"k": 4, "reach": 1, "drawn": True}, 4, 3.5, repetition))
        fake_run.write(folder, record("field", {}, None, 2.0, repetition, "diffusion"))
        fake_run.write(folder, record("large", {"k": 4}, 4, 1.5, repetition, flops=4e12))
    return read(folder)


@pytest.fixture
def frames(tmp_path):
    return fill(tmp_path)


def test_an_entry_holds_the_mean_over_seeds_at_its_own_length(frames):
    found = {entry.variant: entry for entry in entries(frames)}
    assert found["K-4"].nfe == 4 and found["K-4"].n == 2
    assert found["K-4"].ratio == pytest.approx(3.0 * 1.05)
    assert found["field"].nfe is None and found["field"].n == 0 and np.isnan(found["field"].ratio)


def test_variants_of_different_length_by_one_option_are_a_family_within_a_budget(frames):
    cheap, large = by_budget(entries(frames))
    assert [entry.variant for entry in large] == ["large"]
    (name,) = families(cheap)
    assert name == "K = 1, 2, 4, 8"
    assert [entry.variant for entry in families(cheap)[name]] == ["K-1", "K-2", "K-4", "K-8"]


def test_the_base_is_what_most_others_are_one_change_of_and_two_added_options_count_as_one_step(frames):
    base, changed = most_changed(entries(frames))
    assert base.variant == "K-4"
    assert dict(changed).keys() == {
        *["batch = 32", "drawn = True, reach = 1", "k = 1", "k = 2", "k = 8", "loss = energy", "reach = 1"]
    }


def test_a_family_is_called_by_what_its_titles_share_at_both_ends(tmp_path):
    for k in (1, 4):
        made = record(f"d{k}", {"k": k, "loss": "drift"}, k, 3.0)
        made["cell"]["title"] = f"Diffusion, then K = {k}, drift"
        fake_run.write(tmp_path, made)
    assert list(families(entries(read(tmp_path)))) == ["Diffusion, then K = 1, 4, drift"]


@pytest.mark.parametrize("preset", ["mnist-gpu", "fashion-gpu", "cifar10"])
def test_figures_of_a_preset_with_wide_networks_show_its_generators_and_name_the_rest(tmp_path, preset):
    plan = presets.load(preset)
    for name, variant in plan.variants.items():
        generates = grid.task(variant.paradigm) == "generation"
        natural = variant.options.get("k", 1) if variant.paradigm == "unrolled" else None
        flops = (5e14 if generates else 1e14) * variant.budget
        made = record(name, dict(variant.options), natural, 3.0, paradigm=variant.paradigm, flops=flops)
        made["cell"]["task"] = "generation" if generates else "recognition"
        fake_run.write(tmp_path, made)
    frames = read(tmp_path)
    shown = figures._main(frames)
    drawn, said = set(shown.cells.variant), caption.origin(shown)
    assert len(plan.variants) > figures.MOST and {"diffusion", "meanflow", "drifting", "unrolled-k4", "dbn"} <= drawn
    assert len(drawn) == 11 and {name for name in plan.variants if name in said} >= plan.variants.keys() - drawn
    defaults = {entry.variant for entry in entries(frames) if not entry.options}
    assert {"diffusion", "meanflow", "drifting"} <= defaults and "unrolled-k4" not in defaults


def test_a_paradigm_of_which_every_variant_has_options_is_shown_by_its_best(tmp_path):
    for name, ratio in {"narrow": 1.5, "wide": 1.2, "wider": 1.9}.items():
        fake_run.write(tmp_path, record(name, {"width": name}, 1, ratio, paradigm="gan"))
    found = entries(fill(tmp_path))
    assert len(found) > 4 and main(found, 4) == ["K-4", "field", "wide"]


def test_where_there_are_too_many_to_look_at_a_field_and_one_chain_of_a_family_stand_for_all(frames, monkeypatch):
    assert main(entries(frames), 3) == ["K-4", "field"]
    monkeypatch.setattr(figures, "MOST", 3)
    shown = figures._main(frames)
    assert set(shown.cells.variant) == {"K-4", "field"} and len(shown.left_out) == 8
    said = caption.origin(shown)
    assert "Not in this figure, but in the tables: K-1, K-2, K-8, batch, both, large, loss, reach." in said
    monkeypatch.setattr(caption, "MOST_NAMES", 3)
    assert "8 further variants are in the tables" in caption.origin(shown)


def test_the_sheet_reads_each_generator_at_its_own_length(frames):
    body = at_length.sheets(frames, comparison(frames))[0].body.set_index("variant")
    assert body.NFE["K-8"] == "8" and body["FID ratio"]["K-8"].startswith("6.3")
    assert "field" not in body.index


def test_the_figures_show_families_fields_and_changes(frames):
    with style.context():
        lengths, changes = chain_length.draw(frames), one_change.draw(frames)
    (ax,) = lengths.axes  # the large budget has no family
    drawn = [list(line.get_xdata()) for line in ax.lines]
    assert [1.0, 2.0, 4.0, 8.0] in drawn and len([x for x in drawn if len(x) == 4]) == 2
    labels = [text.get_text() for text in changes.axes[0].get_yticklabels()]
    assert labels[-1] == "unchanged (4\u00a0NFE)" and "reach (4\u00a0NFE)" in labels and len(labels) == 8


def test_captions_count_the_seeds_of_what_is_drawn(tmp_path):
    for name in "xy":  # two, since the only variant of a paradigm has no option of its own
        fake_run.write(tmp_path, record(f"other-{name}", {"k": 4, name: 1, "z": 3}, 4, 4.0, paradigm="shortcut"))
    frames = fill(tmp_path, seeds=2)
    with style.context():
        for figure in (chain_length.draw(frames), one_change.draw(frames)):
            words = " ".join(text.get_text() for text in figure.texts)
            assert "2 training seeds" in words and "1 to 2" not in words


def test_labels_lose_the_ending_that_all_of_a_panel_have(tmp_path):
    for k in (1, 2):
        for ending, flops in (("", 1e12), (", large", 4e12)):
            made = record(f"K-{k}{ending[2:]}", {"k": k}, k, 3.0, flops=flops)
            made["cell"]["title"] = f"Chain, K = {k}{ending}"
            fake_run.write(tmp_path, made)
    made = record("field-large", {}, None, 2.0, paradigm="diffusion", flops=4e12)
    made["cell"]["title"] = "Field, large"
    fake_run.write(tmp_path, made)
    with style.context():
        cheap, large = chain_length.draw(read(tmp_path)).axes
    labels = [{text.get_text() for text in ax.texts} for ax in (cheap, large)]
    assert "Chain, K = 1, 2" in labels[0] and {"Chain, K = 1, 2", "Field"} <= labels[1]


def test_without_chains_of_several_lengths_there_is_no_such_figure(tmp_path):
    fake_run.write(tmp_path, record("K-4", {"k": 4}, 4, 3.0))
    frames = read(tmp_path)
    assert chain_length.draw(frames) is None and one_change.draw(frames) is None and paths.draw(frames) is None


@pytest.mark.parametrize("options", [{}, {"k": 4}])
def test_a_path_is_a_strip_from_noise_to_sample(tmp_path, options):
    made = record("K-4", options, 4, 3.0)
    made["samples_file"] = "samples/path.npz"
    fake_run.write(tmp_path, made)
    (tmp_path / "samples").mkdir()
    images = {"real": np.zeros((3, 1, 8, 8), np.uint8), "path": np.zeros((5, 3, 1, 8, 8), np.uint8)}
    np.savez(tmp_path / "samples/path.npz", **images)
    with style.context():
        fig = paths.draw(read(tmp_path))
    assert len(fig.axes) == 5 and all(ax.images for ax in fig.axes)


@pytest.mark.parametrize(("validated", "expected"), [(True, 3.0), (False, 2.0)])
def test_the_sampler_of_a_field_is_chosen_on_the_validation_split_where_that_is_known(tmp_path, validated, expected):
    for k in (1, 2):
        fake_run.write(tmp_path, record(f"K-{k}", {"k": k}, k, 5.0))
    made = record("field", {}, None, 3.0, paradigm="diffusion")
    scores = [score | {"fid_ratio": 3.0, "validation_fid": 1.0} for score in made["quality"]["samples"]]
    scores += [score | {"sampler": "other", "fid_ratio": 2.0, "validation_fid": 9.0} for score in scores]
    lost = ["validation_fid"] * (not validated)
    made["quality"]["samples"] = [{k: v for k, v in score.items() if k not in lost} for score in scores]
    fake_run.write(tmp_path, made)
    with style.context():
        (ax,) = chain_length.draw(read(tmp_path)).axes
    assert [expected] * 4 in [list(line.get_ydata()) for line in ax.lines]
