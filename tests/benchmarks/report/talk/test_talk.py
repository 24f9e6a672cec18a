"""Talks, on invented records: what stands on the slides, where, and that its numbers are those of the tables."""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.oxml.ns import qn
from pptx.util import Pt

from benchmarks.errors import BadInput
from benchmarks.report import talk
from benchmarks.report.formats import number, percent
from benchmarks.report.frames import read
from benchmarks.report.frames.comparison import comparison
from benchmarks.report.frames.intervals import half_shown
from benchmarks.report.languages.wrapping import wrap
from benchmarks.report.talk import files, fonts
from benchmarks.report.talk.animations import dbn_training
from tests.benchmarks import fake_run
from tests.benchmarks.report.frames.test_depth import SERIES
from tests.benchmarks.report.frames.test_depth import record as deep

VARIANTS = ("dbn", "end-to-end", "diffusion", "diffusion-unrolled-k4")
COUNTS = {"not_claimed", "reproduce"}  # slides whose titles have no measured number
MEASURED = re.compile(r"\d[\d,]*\.\d+|\d{1,3},\d{3}|\d+(?= %)")
INTERVAL = re.compile(r" ± \d|95 % CI \S+ to |so no interval\)")
NOT_MEASURED = ["chain_length", "one_change", "mismatch", "after_pretraining"]
LIT = {"diffusion": ([0.2, 0.3, 0.3, 0.2], 1, 0.0), "diffusion-unrolled-k4": ([1.0] * 4, 4, 1.0)}


@pytest.fixture(scope="module")
def quick():
    """Figures in one small format, and few images of the longest animation: writing them takes most of the time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(files, "TWICE", {"png": {"dpi": 40}})
        patched.setattr(dbn_training, "PER_STAGE", 1)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A results folder with a depth study and the reach of two generators, of which one kept its trajectory."""
    folder = tmp_path_factory.mktemp("run")
    fake_run.write_run(folder, VARIANTS, n_seeds=2)
    for name, (lit, credit, reach) in LIT.items():
        for repetition in range(2):
            record = fake_run.quality(name, repetition)
            trained = {"coverage": sum(lit) / 4, "on_policy_reach": reach, "credit_length": credit}
            stages = [{"stage": "all", "weight": 1.0, "lit": lit, **trained}]
            graph = {"graph": "generation", "nfe": 4, "n_evaluations": 4, "stages": stages, **trained}
            record["quality"]["reach"] = {"graph": "generation", "nfe": 4, "graphs": [graph], **trained}
            fake_run.write(folder, record)
    for series in SERIES:
        for n_hidden in (1, 3):
            for repetition in range(2):
                fake_run.write(folder, deep(series, n_hidden, repetition, 0.02 * n_hidden))
    for path in (folder / "samples").glob("diffusion.*"):
        with np.load(path) as file:
            kept = dict(file)
        np.savez(path, path=np.stack([kept["real"][:3]] * 5), **kept)
    return folder


@pytest.fixture(scope="module")
def written(run, quick, tmp_path_factory) -> talk.Talk:
    return talk.write([run], tmp_path_factory.mktemp("talk"))


@pytest.fixture(scope="module")
def slides(written) -> dict:
    return dict(zip(written.shown, Presentation(written.deck).slides, strict=True))


def words(slide) -> list[str]:
    return [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]


def test_slides_without_data_are_left_out_and_named(written):
    left_out = [line.split()[1] for line in written.said]
    assert left_out == NOT_MEASURED and not set(left_out) & set(written.shown)
    assert "slide chain_length is left out: no run holds chains of several lengths" in written.said[0]


def test_every_slide_has_a_title_with_a_number_a_source_and_notes(slides, run):
    for name, slide in slides.items():
        assert any(letter.isdigit() for letter in slide.shapes.title.text_frame.text), name
        assert any(f"Source: {run.as_posix()}, digits, 2 training seeds" in text for text in words(slide)), name
        notes = slide.notes_slide.notes_text_frame.text
        parts = ("python -m benchmarks run fake --seeds 2", "0123456", "Fake CPU", "n: 2 training seeds")
        assert all(part in notes for part in parts), name


def test_the_notes_give_every_number_of_the_title_with_its_interval(slides):
    for name, slide in slides.items():
        title, notes = slide.shapes.title.text_frame.text, slide.notes_slide.notes_text_frame.text.splitlines()
        if name in COUNTS:
            assert "The numbers of the title are counts, which have no interval." in notes
            continue
        told = notes[notes.index("Numbers with their 95 % t intervals (mean ± half of the interval):") + 1 :]
        told = [line for line in told if not line.startswith("Caption: ")]
        numbers = MEASURED.findall(re.sub(r", \S+ times fewer", "", title.replace("\u00a0", " ")))
        assert numbers and not [number for number in numbers if number not in " ".join(told)], name
        assert told and all(INTERVAL.search(line) for line in told), name


def test_every_picture_and_chart_says_in_words_what_it_shows(slides):
    shown = [
        shape
        for slide in slides.values()
        for shape in slide.shapes
        if shape.shape_type == MSO_SHAPE_TYPE.PICTURE or shape.has_chart
    ]
    assert len(shown) >= 8
    assert all(len(shape._element.xpath(".//p:cNvPr")[0].get("descr")) > 30 for shape in shown)


def test_nothing_overlaps_or_leaves_the_slide(slides, written):
    file = Presentation(written.deck)
    for name, slide in slides.items():
        boxes = [(s.left, s.top, s.left + s.width, s.top + s.height) for s in slide.shapes]
        assert all(b[0] >= 0 and b[1] >= 0 and b[2] <= file.slide_width and b[3] <= file.slide_height for b in boxes)
        for a, b in combinations(boxes, 2):
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1], name


def test_texts_and_titles_fit_their_boxes(slides):
    for name, slide in slides.items():
        for shape in (shape for shape in slide.shapes if shape.has_text_frame):
            points = 0
            for paragraph in shape.text_frame.paragraphs:
                size = paragraph.runs[0].font.size.pt
                letter = 0.6 if paragraph.runs[0].font.name == "Courier New" else 0.54
                lines = wrap(paragraph.text, int(shape.width.pt / (letter * size)))
                points += len(lines) * size * 1.2 + (paragraph.space_after or Pt(0)).pt
            assert points <= shape.height.pt + size, name  # the last paragraph's space counts for nothing


def test_no_text_is_smaller_than_18_points(slides):
    sizes = [size for slide in slides.values() for size in slide._element.xpath("//a:rPr/@sz")]
    assert len(sizes) > 50 and min(map(int, sizes)) >= 1800


def test_numbers_in_tables_are_those_of_the_comparison(slides, run):
    rows = comparison(read(run)).groupby("variant").first()
    title = {row.title: row for row in rows.itertuples()}
    (accuracies,) = [shape.table for shape in slides["recognition"].shapes if shape.has_table]
    for line in [[cell.text_frame.text for cell in row.cells] for row in accuracies.rows][1:]:
        row = title[line[0]]
        half = half_shown(row.accuracy, row.accuracy_ci_low, row.accuracy_ci_high)
        assert line[1:] == [percent(row.accuracy, 1, half), number(row.train_flops)]
    (costs,) = [shape.table for shape in slides["costs"].shapes if shape.has_table]
    for line in [[cell.text_frame.text for cell in row.cells] for row in costs.rows][1:]:
        assert line[1] == number(title[line[0]].train_images_per_second)


def test_the_chart_holds_the_ratios_of_the_comparison_on_logarithmic_axes(slides, run):
    (chart,) = [shape.chart for shape in slides["main_chart"].shapes if shape.has_chart]
    table = comparison(read(run))
    for series in chart.plots[0].series:
        rows = table[(table.title == series.name) & table.sampler.isin(["default", "gibbs", "euler"])]
        assert list(series.values) == pytest.approx(rows.sort_values("nfe").fid_ratio.tolist())
    assert [base.get("val") for base in chart._chartSpace.iter(qn("c:logBase"))] == ["2", "10"]


def test_the_finding_of_the_main_figure_is_read_from_the_comparison(slides, run):
    table = comparison(read(run))
    best = table[table.nfe == 4].fid_ratio.min()
    title = slides["few_steps"].shapes.title.text_frame.text
    assert f"with 4 network evaluations: Diffusion, then unrolled K = 4 {number(best)};" in title.replace("\u00a0", " ")


def test_an_animation_shows_one_more_image_than_states_and_a_strip_for_print(written):
    folder = written.deck.parent / "figures"
    with Image.open(folder / "trajectories.gif") as film:
        assert film.n_frames >= 2  # equal states of the invented trajectory are one image
    assert (folder / "trajectories_strip.png").is_file() and (folder / "dbn_training.gif").is_file()
    assert (folder / "trajectories.mp4").is_file() == bool(shutil.which("ffmpeg"))


def test_one_slide_alone_and_in_every_theme_and_language(run, quick, tmp_path):
    papers = set()
    for look, language in (("light", "en"), ("dark", "zh")):
        made = talk.write([run], tmp_path / look, look, language, only=["not_claimed"])
        (slide,) = Presentation(made.deck).slides
        papers.add(str(slide.background.fill.fore_color.rgb))
        typefaces = {face.get("typeface") for face in slide._element.iter(qn("a:ea"))}
        assert typefaces == ({"Microsoft YaHei"} if language == "zh" else set())
        assert made.shown == ["not_claimed"]
        assert slide.shapes.title.text_frame.text.startswith("不作的断言" if language == "zh" else "Not claimed")
    assert papers == {"FFFFFF", "14181F"}


@pytest.mark.filterwarnings("error:Glyph")
def test_without_a_chinese_font_figures_are_english_and_one_line_says_so(run, quick, tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "installed", lambda language: None)
    made = talk.write([run], tmp_path, language="zh", only=["few_steps"])
    assert len(made.said) == 1 and made.said[0].startswith("figures are in English and talk.pdf is left out")
    assert "次网络求值时" in Presentation(made.deck).slides[0].shapes.title.text_frame.text
    assert not (tmp_path / "talk.pdf").exists()


def test_a_talk_with_more_slides_than_there_is_time_for_does_without_its_spare_one():
    found = talk.slides.found()
    assert len(found) == talk.slides.MOST + 1
    assert talk._spare(dict.fromkeys(found), found) == ["one_change"]
    assert talk._spare(dict.fromkeys([*found][1:]), found) == []


def test_a_talk_that_cannot_be_made_is_one_line(run, tmp_path):
    with pytest.raises(BadInput, match=r"--only 'recogniton': no such slide; .*did you mean 'recognition'"):
        talk.write([run], tmp_path, only=["recogniton"])
    with pytest.raises(BadInput, match=r"slide one_change is left out: .*: a talk needs at least one slide"):
        talk.write([run], tmp_path, only=["one_change"])


@pytest.mark.skipif(not shutil.which("soffice"), reason="LibreOffice is not installed")
def test_libreoffice_opens_the_file_and_prints_every_slide(written, tmp_path):
    profile = f"-env:UserInstallation=file://{tmp_path}/profile"
    command = ["soffice", "--headless", profile, "--convert-to", "pdf", "--outdir", str(tmp_path), str(written.deck)]
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "talk.pdf").read_bytes().count(b"/Type/Page\n") in (0, len(written.shown))
    assert (tmp_path / "talk.pdf").stat().st_size > 10_000
