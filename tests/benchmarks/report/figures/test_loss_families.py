"""The figure of both kinds of losses: rows, panels, colours, and what a slide has room for."""

from __future__ import annotations

from dataclasses import replace

import matplotlib.colors
import pytest

from benchmarks.report.figures import loss_families, style
from benchmarks.report.formats import number
from benchmarks.report.frames import read
from benchmarks.report.frames.loss_families import LOCAL, ONE_LOSS
from benchmarks.report.frames.loss_families import loss_families as loss_families_of
from tests import ROOT
from tests.benchmarks import fake_run


def drawn(frames, stage=None):
    with style.context():
        if stage is None:
            return loss_families.draw(frames)
        with style.staged(stage):
            return loss_families.draw(frames)


@pytest.fixture(scope="module")
def frames():
    return read(ROOT / "results" / "reference" / "digits").of("digits")


@pytest.fixture(scope="module")
def figure(frames):
    return drawn(frames)


def test_every_method_is_a_row_in_the_colour_of_its_family_and_every_number_of_evaluations_a_panel(figure):
    assert [ax.get_title() for ax in figure.axes] == ["1 NFE", "2 NFE", "4 NFE", "8 NFE"]
    labels = figure.axes[0].get_yticklabels()
    assert [label.get_text().replace("\n", " ") for label in labels] == [
        *["one loss through the chain", "Diffusion, then 4-step chain", "One loss, 1-step chain"],
        *["local losses", "Diffusion", "MeanFlow"],
    ]
    inks = [style.ink(style.COLORS[loss_families.LOOKS[name][0]]) for name in (ONE_LOSS, LOCAL)]
    assert [label.get_color() for label in labels] == [inks[0]] * 3 + [inks[1]] * 3
    assert [len(ax.containers) for ax in figure.axes] == [4, 4, 3, 3]
    assert all(container.has_xerr for ax in figure.axes for container in ax.containers)


def test_the_best_of_a_family_is_filled(figure):
    fills = [
        matplotlib.colors.to_hex(bars[0].get_markerfacecolor()).upper()
        for ax in figure.axes[:1]
        for bars in ax.containers
    ]
    assert sorted(fills) == sorted([style.COLORS["vermillion"], style.COLORS["blue"], "#FFFFFF", "#FFFFFF"])


def test_the_title_has_the_lowest_ratio_of_each_family(frames, figure):
    samples = frames.samples[frames.samples.primary.eq(True)]
    ratio = samples.groupby(["variant", "nfe"]).fid_ratio.mean()
    expected = [
        f"{number(ratio[one, nfe])} against {number(ratio['meanflow', nfe])} with {nfe} NFE"
        for one, nfe in (("unrolled-k1", 1), ("diffusion-unrolled-k4", 4))
    ]
    title = figure.get_suptitle().replace("\n", " ").replace("\u00a0", " ")
    assert "; ".join(expected) in title


def test_a_slide_shows_the_lowest_of_many_methods_and_a_report_all(tmp_path, monkeypatch):
    for place in range(20):
        facts = {"paradigm": f"chain-{place}", "era": "end-to-end", "task": "generation", "title": f"Chain {place}"}
        monkeypatch.setitem(fake_run.VARIANTS, f"chain-{place}", facts)
        monkeypatch.setitem(fake_run.RATIOS, f"chain-{place}", [2 + place] * 4)
        fake_run.write(tmp_path, fake_run.quality(f"chain-{place}", 0, npz=False))
    fake_run.write(tmp_path, fake_run.quality("diffusion", 0, npz=False))
    many = read(tmp_path).of("digits")
    for stage, n_chains in ((None, 20), ((8.8, 3.64), loss_families.LINES_ON_STAGE - 3)):
        rows = [label.get_text() for label in drawn(many, stage).axes[0].get_yticklabels()]
        assert sum(row.startswith("Chain") for row in rows) == n_chains
        assert "Chain 0" in rows and rows[-2] == "local losses"


def test_a_slide_has_no_panel_where_one_family_alone_was_sampled_but_says_what_is_lowest(frames):
    longer = frames.samples.variant.isin(["unrolled-k1", "diffusion-unrolled-k4"]) & frames.samples.nfe.gt(1)
    some = replace(frames, samples=frames.samples[~longer])
    report, slide = drawn(some), drawn(some, (8.8, 3.64))
    assert [len(figure.axes) for figure in (report, slide)] == [4, 1]
    (below,) = [
        text.get_text().replace("\n", " ").replace("\u00a0", " ") for text in slide.texts if "Only" in text.get_text()
    ]
    assert below.startswith("Only local losses were sampled with 2, 4, 8 NFE; lowest: MeanFlow ")
    local = loss_families_of(some).query("family == @LOCAL and nfe > 1")
    for nfe, mean in local.groupby("nfe")["mean"].min().items():
        assert f" {number(mean)}" in below
        assert any(f", {nfe} NFE: {number(mean)} ± " in line for line in slide.estimates)
    assert not [text for text in report.texts if "Only" in text.get_text()]
