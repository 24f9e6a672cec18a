"""The page as a file: what it shows, that it needs nothing else, and that names and reasons are text in it."""

from __future__ import annotations

import base64
import csv
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import pandas as pd
import pytest

from benchmarks import report
from benchmarks.report import figures, page
from benchmarks.report.page.glossary import NUMBERS, entry_of
from benchmarks.report.page.sections import answer, best, comparison, depth, gate, mismatch
from tests.benchmarks import fake_run
from tests.benchmarks.report.frames.test_depth import SERIES
from tests.benchmarks.report.frames.test_depth import record as deep
from tests.benchmarks.report.page.conftest import DIGITS, REASON, TITLE, VARIANT, hostile_records, run_of
from tests.benchmarks.report.page.fullness import element

MEGABYTE = 10**6
INLINE = {"script", "style"}


class Elements(HTMLParser):
    """The elements of a page as a browser finds them: (name, attributes), and the texts of each kind of element."""

    def __init__(self, text: str):
        super().__init__()
        self.found, self.texts, self.open = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag in {*INLINE, "td", "th", "li", "p", "summary"}:
            self.open.append(tag)
            self.texts.setdefault(tag, []).append("")

    def handle_endtag(self, tag):
        if self.open and self.open[-1] == tag:
            self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]][-1] += data

    def of(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def elements(digits) -> Elements:
    return Elements(digits.read_text(encoding="utf-8"))


def test_the_page_of_the_digits_run_is_at_most_3_megabytes(digits):
    assert digits.stat().st_size < 3 * MEGABYTE


def test_the_page_names_no_address_but_data_and_places_in_itself(elements):
    addresses = [value for _, attrs in elements.found for name, value in attrs.items() if name in ("src", "href")]
    assert addresses and all(value.startswith(("data:image/", "#")) for value in addresses)


def test_the_content_policy_allows_exactly_the_scripts_and_styles_of_the_page(elements):
    policy = next(meta["content"] for meta in elements.of("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    for tag in INLINE:
        run = [text for attrs, text in zip(elements.of(tag), elements.texts[tag], strict=True) if "type" not in attrs]
        hashes = {f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in run}
        assert set(rules[f"{tag}-src"].split()) == hashes


def test_no_element_has_a_style_or_a_handler_that_the_policy_would_forbid(elements):
    assert not [attrs for _, attrs in elements.found if any(name == "style" or name[:2] == "on" for name in attrs)]


def test_every_id_stands_once_and_every_link_leads_somewhere(elements):
    ids = [attrs["id"] for _, attrs in elements.found if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {link["href"][1:] for link in elements.of("a")} <= set(ids)


def test_every_head_of_the_digits_page_is_explained(elements):
    heads = {attrs["data-head"] for attrs in elements.of("th") if "data-head" in attrs}
    assert len(heads) > 40
    assert [head for head in heads if entry_of(head).title == NUMBERS[0]] == []


def test_every_chart_draws_the_rows_of_a_table_of_the_page(elements):
    tables = {table["id"] for table in elements.of("table") if "id" in table}
    charts = [figure["data-listing"] for figure in elements.of("figure")]
    assert len(charts) > 10 and set(charts) <= tables


def test_the_depth_study_has_its_chart_and_its_table(tmp_path):
    for series in SERIES:
        for n_hidden in (1, 3):
            fake_run.write(tmp_path, deep(series, n_hidden, 0, 0.02 * n_hidden))
    chart, errors, layers = depth.blocks(run_of(tmp_path))
    assert len(chart.numbers.rows) == 4
    assert all({row[0].text for row in table.rows} == set(SERIES) for table in (errors, layers))


def test_the_page_answers_in_three_sentences_from_the_paired_table(elements):
    answer = elements.texts["li"]
    assert len(answer) == 3
    pair = pd.read_csv(DIGITS / "tables" / "ratios.csv").iloc[0]
    interval = f"{pair.ratio_ci_low:.2f} to {pair.ratio_ci_high:.2f}, {pair.n_seeds} seeds"
    assert f"{pair.ratio:.2f} times" in answer[0] and interval in answer[0] and "significantly lower" in answer[0]


def test_pairs_of_one_loss_and_local_losses_answer_first_and_hypotheses_are_named(digits_run):
    pairs = digits_run.rows["ratios"].assign(claim="M2, again")
    local = pairs[:1].assign(variant_a="meanflow", variant_b="diffusion")
    run = replace(digits_run, rows={"ratios": pd.concat([local, pairs], ignore_index=True)})
    said = answer.blocks(run)[1].paragraphs
    assert len(said) == 3 and all("-step chain" in sentence for sentence in said)
    assert said[0].endswith("Hypothesis of docs/hypotheses.md: M2, again.")


def test_the_legend_stands_behind_the_answer_and_above_what_it_acts_on(digits):
    text = digits.read_text(encoding="utf-8")
    best_at, comparison_at = (text.index(f'<section id="run1-{name}"') for name in ("best", "comparison"))
    assert best_at < text.index('<details class="legend"') < comparison_at


def test_the_comparison_marks_the_recogniser_with_the_highest_accuracy(digits_run):
    (listing,) = comparison.blocks(digits_run)
    names = [head.text for head in listing.heads]
    rows = [dict(zip(names, row, strict=True)) for row in listing.rows]
    (row,) = [row for row in rows if row["method"].value == "end-to-end"]
    assert (row["significance"].text, row["accuracy"].bold, row["FID ratio"].bold) == ("best", True, False)


def test_the_best_at_1_and_at_4_evaluations_stand_with_significance_cost_and_record(digits_run):
    rows = {row[0].text: [cell.text for cell in row] for row in best.blocks(digits_run)[0].rows}
    assert rows["1"][1] == "MeanFlow" and rows["1"][3] == "no: not from One loss, 1-step chain"
    assert rows["2"][3] == "yes, significantly" and rows["4"][3] == "no: not from Diffusion, then 4-step chain"
    assert rows["4"][5] == "1.25e12" and rows["100"][7] == "2"


def test_the_first_section_says_which_is_best_whether_significantly_at_what_cost_and_where_the_record_is(digits):
    """As whoever opens the page reads it, without a script."""
    text = re.sub(r"<[^>]+>", "\n", element(digits.read_text(encoding="utf-8"), "answer"))
    lines = {line.partition(":")[0]: line for line in text.splitlines()}
    row = pd.read_csv(DIGITS / "tables" / "comparison.csv").query("nfe == 4 and fid_ratio == fid_ratio")
    row = row.loc[row.fid_ratio.idxmin()]
    for nfe, other in (("1 evaluation", "One loss, 1-step chain"), ("4 evaluations", "Diffusion, then 4-step chain")):
        said = lines[f"Lowest FID ratio with {nfe}"]
        assert f"{row.title} (trained by local losses)" in said and f"not significantly different from {other}" in said
        assert "1.25e12 training FLOPs and 0." in said and "ms per image" in said
        assert (DIGITS.parent / re.search(r"Record: (\S+\.json)", said)[1]).is_file()
    assert f"{row.fid_ratio:.2f} ± " in said and "by the second scoring network Diffusion, then 4-step chain" in said


def test_the_first_section_leads_to_the_sections_that_say_more(digits):
    text = element(digits.read_text(encoding="utf-8"), "answer")
    assert re.findall(r'href="#run1-(\w+)"', text) == ["best", "paired", "provenance"]


def test_the_same_records_give_the_same_page(hostile, tmp_path):
    page.write([run_of(hostile.parent)], tmp_path / page.FILE)
    assert (tmp_path / page.FILE).read_bytes() == hostile.read_bytes()


def test_names_and_reasons_are_text_and_never_markup(hostile):
    found = Elements(hostile.read_text(encoding="utf-8"))
    assert not [attrs for attrs in found.of("img") if not attrs["src"].startswith("data:")]
    scripts = zip(found.of("script"), found.texts["script"], strict=True)
    assert not [attrs for attrs, text in scripts if "hacked = 1" in text and "type" not in attrs]
    cells = [text.strip() for text in found.texts["td"]]
    assert REASON in cells and any(text.startswith(TITLE) for text in cells)


def test_hostile_names_pass_through_the_whole_report_as_text(tmp_path, monkeypatch):
    hostile_records(tmp_path)
    monkeypatch.setattr(figures, "names", lambda: ["fid_vs_nfe"])
    report.write(tmp_path)
    tables = tmp_path / "tables"
    markdown, latex = ((tables / f"comparison.{form}").read_text() for form in ("md", "tex"))
    assert r"\<img" in markdown and not re.search(r"(?<!\\)<(img|script|b>)", markdown)
    assert r"\| \\input{secret} \$x^\$" in markdown
    assert r"\textbackslash{}input\{secret\} \$x\textasciicircum{}\$" in latex and r"\input{secret}" not in latex
    with (tables / "comparison.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["reason"] for row in rows if row["variant"] == "diffusion"} == {f"'{REASON}"}
    assert VARIANT in {row["variant"] for row in rows}


def test_several_folders_stand_on_one_page_with_a_switch(tmp_path, monkeypatch):
    folders = [tmp_path / name for name in ("first", "second")]
    for folder, variants in zip(folders, (("sdae",), ("meanflow",)), strict=True):
        fake_run.write_run(folder, variants, n_seeds=1, npz=False)
    monkeypatch.setattr(figures, "names", lambda: [])
    assert len(report.write_all(folders)) == 2
    found = Elements((folders[0] / page.FILE).read_text())
    assert [attrs["data-run"] for attrs in found.of("a") if "data-run" in attrs] == ["run1", "run2"]
    assert {attrs["id"] for attrs in found.of("article")} == {"run1", "run2"}
    assert not (folders[1] / page.FILE).exists()


def test_a_section_that_fails_is_named_and_the_others_are_written(tmp_path, monkeypatch):
    def fails(run):
        raise ValueError("a chart <b>broke</b>")

    fake_run.write_run(tmp_path, ("sdae",), n_seeds=1, npz=False)
    monkeypatch.setattr(mismatch, "blocks", fails)
    failures = page.write([run_of(tmp_path)], tmp_path / page.FILE)
    assert len(failures) == 1 and "section mismatch" in failures[0]
    text = (tmp_path / page.FILE).read_text()
    assert "a chart &lt;b&gt;broke" in text and "Provenance of every number" in text


def test_the_gate_history_is_read_line_by_line_and_damaged_lines_are_left_out(tmp_path):
    fake_run.write_run(tmp_path, ("sdae",), n_seeds=1, npz=False)
    lines = ['{"date": "2026-11-29", "commit": "abc", "verdicts": {"fid": "same"}, "primaries": [1.5]}', "{broken", "3"]
    (tmp_path / "history.jsonl").write_text("\n".join(lines))
    rows = gate.blocks(run_of(tmp_path))[0].rows
    assert [[cell.text for cell in row] for row in rows] == [["2026-11-29", "abc", "-", "fid: same", "1.50"]]
