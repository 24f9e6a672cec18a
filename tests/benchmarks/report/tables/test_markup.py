"""A name may hold anything: in no document, figure or CSV file is it taken for markup or a formula."""

from __future__ import annotations

import csv

import pytest
from pandas import DataFrame

from benchmarks.report import caption
from benchmarks.report.figures import cost_bars, fid_vs_nfe, style
from benchmarks.report.frames import read
from benchmarks.report.tables.markup import latex, markdown
from benchmarks.report.tables.sheet import Sheet
from tests.benchmarks import fake_run
from tests.benchmarks.report.tables.test_tables import scored, tabulated

NAME = "$x^$"


@pytest.mark.parametrize("form", style.FORMATS)
def test_a_dollar_sign_in_a_name_is_drawn_as_one(tmp_path, form, monkeypatch):
    monkeypatch.setattr(style, "FORMATS", {form: style.FORMATS[form]})
    monkeypatch.setitem(fake_run.RATIOS, NAME, fake_run.RATIOS["meanflow"])
    fake_run.write_run(tmp_path, (NAME, "meanflow"), n_seeds=1, dataset=NAME, npz=False)
    for path in (tmp_path / "cells").glob("meanflow*"):
        path.write_text(path.read_text().replace("Fake CPU", NAME))
    frames = read(tmp_path).of(NAME)
    for module in (fid_vs_nfe, cost_bars):
        with style.context():
            style.save(module.draw(frames), tmp_path / "figure")
    assert NAME in caption.origin(frames) and (tmp_path / f"figure.{form}").is_file()


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("$x^$", r"\$x^\$"),
        ("a|b", r"a\|b"),
        ("*a* `b`", r"\*a\* \`b\`"),
        ("<b>", r"\<b>"),
        ("[a](b)", r"[a\](b)"),
        ("_a_ fid_ratio", r"\_a\_ fid_ratio"),
        ("two\nlines", "two lines"),
        ("diffusion [2]", "diffusion [2]"),
    ],
)
def test_markdown_shows_a_name_as_it_is_written(text, escaped):
    document = markdown(text, [Sheet(text, DataFrame([{"variant": text, text: "1"}]), (text,))], (text,))
    assert document.count(escaped) == 6 and len(document.splitlines()) == 11


def test_latex_shows_letters_with_accents_and_keeps_a_comment_in_one_line():
    document = latex("a\nb", [Sheet("Fréchet", DataFrame([{"variant": "naïve †"}]))])
    assert r"Fr\'{e}chet" in document and r"na\"{\i}ve" not in document and r"na\"{i}ve \dag{}" in document
    assert document.splitlines()[0].startswith("% a b;") and document.isascii()


@pytest.mark.parametrize("name", ["=1+1", "+cmd", "-cmd", "@SUM(A1)"])
def test_a_cell_of_a_csv_file_is_no_formula(tmp_path, name):
    record = scored(0, 20.0)
    record["cell"]["title"] = name
    record["quality"]["samples"][0]["kid"] = -0.5
    fake_run.write(tmp_path, record)
    tabulated(tmp_path)
    (row,) = csv.DictReader((tmp_path / "tables" / "comparison.csv").open())
    assert (row["title"], row["kid"]) == (f"'{name}", "-0.5")
