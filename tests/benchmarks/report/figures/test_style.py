"""How figures look: looks as matplotlib takes them, bands, captions, and labels that do not cover each other."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from matplotlib.lines import Line2D
from PIL import Image

from benchmarks.report.figures import cost_bars, fid_vs_nfe, quality_vs_flops, sample_grid, style, training_curves
from benchmarks.report.figures.axes import spread
from benchmarks.report.frames import looks, read
from tests.benchmarks import fake_run


def drawn(draw, folder):
    with style.context():
        return draw(read(folder).of("digits"))


def texts(fig) -> str:
    artists = [text for ax in fig.axes for text in [*ax.texts, ax.title, ax.yaxis.label]]
    return " | ".join(text.get_text() for text in artists)


def test_a_third_party_variant_with_an_unknown_sampler_is_drawn_in_its_look(tmp_path, monkeypatch):
    monkeypatch.setitem(fake_run.RATIOS, "third-party", [9, 8, 7, 6, 5, 4])
    fake_run.write_run(tmp_path, ("third-party", "meanflow"), n_seeds=2)
    fig = drawn(fid_vs_nfe.draw, tmp_path)
    assert "Third-Party" in texts(fig)
    frames = read(tmp_path)
    expected = [style.look(frames, name) for name in ("third-party", "meanflow")]
    assert {look.marker for look in expected} <= {line.get_marker() for line in fig.axes[0].lines}
    assert {look.color for look in expected} <= {line.get_color() for line in fig.axes[0].lines}
    assert "Third-Party" in texts(drawn(sample_grid.draw, tmp_path))


def test_every_word_of_a_look_is_one_that_can_be_drawn():
    assert set(style.COLORS) == set(looks.COLORS) and set(style.DASHES) == set(looks.DASHES)
    assert "#F0E442" not in style.COLORS.values()  # a yellow that is lost on white
    assert set(looks.MARKERS) <= set(Line2D.filled_markers)


def test_a_figure_has_1920_by_1080_pixels():
    assert [inches * style.FORMATS["png"]["dpi"] for inches in style.FIGSIZE] == [1920, 1080]


def test_further_samplers_are_thin_lines_with_their_name(tmp_path):
    fake_run.write_run(tmp_path, ("diffusion",), n_seeds=2, npz=False)
    fig = drawn(fid_vs_nfe.draw, tmp_path)
    shown = texts(fig).replace("\n", " ")
    title = fake_run.VARIANTS["diffusion"]["title"]
    assert f"{title}, iPNDM | {title}, Heun | {title} |" in shown
    color = style.look(read(tmp_path), "diffusion").color
    widths = sorted(line.get_linewidth() for line in fig.axes[0].lines if line.get_color() == color)
    assert widths == [2, 2, 3]


@pytest.mark.parametrize(("n_seeds", "band"), [(1, 0), (3, 1)])
def test_a_band_is_drawn_only_where_there_are_several_seeds_and_the_caption_says_so(tmp_path, n_seeds, band):
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=n_seeds, npz=False)
    fig = drawn(fid_vs_nfe.draw, tmp_path)
    assert len(fig.axes[0].collections) == band
    note = fig.get_supxlabel().replace("\u00a0", " ")
    assert ("± 1 standard deviation over seeds" in note) == bool(band)
    assert f"{n_seeds} training seed" in note and "0123456" in note and "Fake CPU" in note and "digits" in note


def test_seeds_of_what_has_no_samples_are_not_counted_under_a_figure_of_samples(tmp_path):
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=1, npz=False)
    for repetition in range(3):
        fake_run.write(tmp_path, fake_run.quality("end-to-end", repetition, npz=False))
    assert "1 training seed per variant" in drawn(fid_vs_nfe.draw, tmp_path).get_supxlabel()
    assert "1 to 3 training seeds" in drawn(quality_vs_flops.draw, tmp_path).get_supxlabel()


def test_seeds_of_what_has_no_curve_are_not_counted_under_a_figure_of_curves(tmp_path):
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=1, npz=False)
    for repetition in range(3):
        record = fake_run.quality("end-to-end", repetition, npz=False)
        record["quality"]["curve"] = []
        fake_run.write(tmp_path, record)
    assert "1 training seed per variant" in drawn(quality_vs_flops.draw, tmp_path).get_supxlabel()


def test_a_variant_without_a_result_is_named_under_the_figure(tmp_path):
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=1, npz=False)
    fake_run.write(tmp_path, fake_run.failed("dbn", 0, "timeout", "past its limit"))
    assert "Without a result: dbn (timeout)" in drawn(fid_vs_nfe.draw, tmp_path).get_supxlabel()


def test_an_unreadable_sample_file_leaves_its_row_out(tmp_path):
    fake_run.write_run(tmp_path, ("meanflow", "diffusion"), n_seeds=1)
    for path in (tmp_path / "samples").glob("meanflow*"):
        path.write_bytes(b"torn")
    shown = texts(drawn(sample_grid.draw, tmp_path))
    assert "Diffusion" in shown and "MeanFlow" not in shown


def test_samples_of_unusual_lengths_are_shown_at_the_first_the_last_and_some_between(tmp_path):
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=1)
    (path,) = (tmp_path / "samples").glob("*.npz")
    unusual = {"1": "1", "2": "5", "4": "10", "8": "50", "16": "100", "32": "300"}
    with np.load(path) as file:
        renamed = {"_".join(unusual.get(part, part) for part in name.split("_")): file[name] for name in file.files}
    np.savez(path, **renamed)
    shown = texts(drawn(sample_grid.draw, tmp_path))
    assert all(f"{nfe} NFE" in shown for nfe in (1, 10, 50, 300)) and "100 NFE" not in shown and "5 NFE" not in shown


def test_a_row_with_samples_at_none_of_the_usual_lengths_brings_its_own(tmp_path):
    fake_run.write_run(tmp_path, ("diffusion", "meanflow"), n_seeds=1)
    (path,) = (tmp_path / "samples").glob("diffusion.*.npz")
    with np.load(path) as file:
        kept = {name: file[name] for name in file.files if "_8" in name or name == "real"}
    np.savez(path, **kept)
    fig = drawn(sample_grid.draw, tmp_path)
    assert "8 NFE" in texts(fig)
    assert not any(ax.get_visible() and ax.spines["left"].get_visible() for ax in fig.axes)


def test_the_labels_of_all_rows_of_samples_end_at_one_place_whatever_their_first_cell_holds(tmp_path):
    fake_run.write_run(tmp_path, ("diffusion", "meanflow"), n_seeds=1)
    (path,) = (tmp_path / "samples").glob("diffusion.*.npz")
    with np.load(path) as file:
        kept = {name: file[name] for name in file.files if "_1" not in name[-2:] and "_1_" not in name}
    np.savez(path, **kept)
    with style.context(), style.staged((12.8, 3.6)):  # so flat that images do not fill the width of their cells
        fig = sample_grid.draw(read(tmp_path).of("digits"))
    fig.draw_without_rendering()
    first = [ax for ax in fig.axes if ax.get_ylabel()]
    assert [len(ax.images) for ax in first] == [0, 1, 1]  # diffusion has a dash at 1 NFE; real images are one line
    ends = [ax.yaxis.label.get_window_extent().x1 for ax in first]
    assert ends == pytest.approx(ends[:1] * 3)


def test_few_rows_of_samples_have_two_lines_of_images_each(tmp_path):
    heights = []
    for variants in (("meanflow",), tuple(fake_run.RATIOS)):
        folder = tmp_path / variants[-1]
        fake_run.write_run(folder, variants, n_seeds=1)
        heights.append(len(drawn(sample_grid.draw, folder).axes[0].images[0].get_array()))
    assert len(fake_run.RATIOS) > sample_grid.FEW_ROWS and heights[0] == 2 * heights[1]


def test_every_stage_has_its_name_and_the_ends_of_its_loss(tmp_path):
    fake_run.write_run(tmp_path, ("dbn",), n_seeds=1, npz=False)
    fig = drawn(training_curves.draw, tmp_path)
    assert all(stage in texts(fig) for stage in fake_run.STAGES["dbn"]) and "→" in texts(fig)


def test_accuracy_after_the_last_update_stands_at_the_end_of_the_last_stage(tmp_path):
    fake_run.write_run(tmp_path, ("dbn",), n_seeds=1, npz=False)
    accuracy = drawn(training_curves.draw, tmp_path).axes[0].lines[-1].get_xdata()
    # six points at sixths of the FLOPs, over four stages of equal FLOPs
    assert list(accuracy) == pytest.approx([4 * point / 6 for point in range(1, 7)])


def test_a_stage_of_one_update_is_drawn_and_a_panel_to_spare_is_hidden(tmp_path):
    record = fake_run.quality("meanflow", 0, npz=False)
    stage = record["training"]["stages"][0]
    stage |= {"updates": 1, "loss_curve": stage["loss_curve"][:1]}
    fake_run.write(tmp_path, record)
    fig = drawn(training_curves.draw, tmp_path)
    assert [ax.get_visible() for ax in fig.axes] == [True, False]
    assert [line.get_marker() for line in fig.axes[0].lines][-1] == "o"


def test_the_untrained_network_has_no_place_on_a_log_axis(tmp_path):
    record = fake_run.quality("meanflow", 0, npz=False)
    record["quality"]["curve"][0]["flops"] = 0
    fake_run.write(tmp_path, record)
    fig = drawn(quality_vs_flops.draw, tmp_path)
    marker = style.look(read(tmp_path), "meanflow").marker
    series = [line for line in fig.axes[0].lines if line.get_marker() == marker]
    assert [len(line.get_xdata()) for line in series] == [len(record["quality"]["curve"]) - 1]


def test_a_slow_variant_keeps_a_bar_beside_one_that_is_a_thousand_times_faster(tmp_path):
    fake_run.write_run(tmp_path, ("meanflow", "end-to-end"), n_seeds=1, npz=False)
    fast = fake_run.timing("sdae")
    fast["timing"]["train_images_per_second"] = 1e7
    fake_run.write(tmp_path, fast)
    fig = drawn(cost_bars.draw, tmp_path)
    fig.draw_without_rendering()
    ax = fig.axes[0]
    start = ax.transData.transform((ax.get_xlim()[0], 0))[0]
    widths = [(ax.transData.transform((bar.get_width(), 0))[0] - start) / ax.bbox.width for bar in ax.patches]
    assert len(widths) == 3 and min(widths) > 0.03 and max(widths) < 0.9


def test_spread_labels_keep_their_order_their_distance_and_their_centre():
    heights = [0.1, 0.11, 0.12, 0.5, 0.505, 0.9]
    moved = spread(heights, [0.05] * 6)
    assert all(b - a >= 0.05 - 1e-9 for a, b in itertools.pairwise(moved))
    assert moved[5] == 0.9
    assert sum(moved) == pytest.approx(sum(heights))


def test_spread_labels_stay_above_the_lowest_place():
    moved = spread([0.01, 0.02, 0.03, 0.9], [0.1] * 4, least=0)
    assert moved == pytest.approx([0.05, 0.15, 0.25, 0.9])


def test_a_label_of_two_lines_takes_the_room_of_two():
    low, middle, high = spread([0.5, 0.5, 0.5], [0.05, 0.1, 0.05])
    assert middle - low == pytest.approx(0.075) and high - middle == pytest.approx(0.075)


def test_a_png_has_a_palette_which_keeps_the_colours_of_thin_lines(tmp_path):
    with style.context():
        fig = style.figure("A title")
        ax = fig.subplots()
        for place, color in enumerate(style.COLORS.values()):
            ax.plot([0, 1], [place, place + 1], color=color, linewidth=1)
            ax.fill_between([0, 1], place, place + 1, color=color, alpha=0.2)
        style.save(fig, tmp_path / "lines", {"png": style.FORMATS["png"]})
    with Image.open(tmp_path / "lines.png") as image:
        assert image.mode == "P" and image.size == (1920, 1080)
        pixels = np.asarray(image.convert("RGB"), int).reshape(-1, 3)
    for color in style.COLORS.values():
        wanted = np.array([int(color[place : place + 2], 16) for place in (1, 3, 5)])
        assert np.abs(pixels - wanted).max(1).min() <= 8, color


def test_names_of_many_rows_of_samples_do_not_cover_each_other(tmp_path, monkeypatch):
    names = [f"diffusion-then-{i}" for i in range(10)]
    for name in names:
        title = "Diffusion, then 4-step chain, gradient through the last step, 4 x the FLOPs"
        monkeypatch.setitem(fake_run.VARIANTS, name, {**fake_run.VARIANTS["diffusion"], "title": title + name[-1]})
        monkeypatch.setitem(fake_run.RATIOS, name, fake_run.RATIOS["diffusion"])
    fake_run.write_run(tmp_path, names, n_seeds=1)
    fig = drawn(sample_grid.draw, tmp_path)
    fig.draw_without_rendering()
    labels = [ax.yaxis.label for ax in fig.axes if ax.yaxis.label.get_text()]
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.y0)
    assert len(boxes) == 11 and len({label.get_fontsize() for label in labels}) == 1
    assert all(low.y1 <= high.y0 + 1 for low, high in itertools.pairwise(boxes))


def test_one_evaluation_is_singular(tmp_path):
    fake_run.write_run(tmp_path, ("meanflow",), n_seeds=2, npz=False)
    titles = [ax.get_title() for ax in drawn(quality_vs_flops.draw, tmp_path).axes]
    assert all(title.endswith("evaluations") != title.startswith("1 ") for title in titles if "network" in title)
