"""The page in Chromium, offline: tables, charts, legend, keyboard, dark mode, phones, print, no JavaScript.

`install_browser.sh` installs what these tests need; without it they are skipped.
"""

from __future__ import annotations

import csv
import re
import shutil
from contextlib import contextmanager

import pytest

from benchmarks.report import page
from tests import ROOT
from tests.benchmarks import fake_run
from tests.benchmarks.report.page.conftest import REASON, TITLE, run_of

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: install the extra browser")
CHROMIUM = shutil.which("chromium")
AXE = ROOT / ".browser" / "axe.min.js"
ARGUMENTS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
ARGUMENTS += " --disable-component-update --disable-sync"
DESKTOP = {"width": 1440, "height": 900}
INSTALL = "run tests/benchmarks/report/page/install_browser.sh"
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=f"needs chromium: {INSTALL}")
COMPARISON = "#run1-comparison-all"


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS.split())
        yield launched
        launched.close()


@contextmanager
def opened(browser, path, draw: bool = True, **settings):
    """The page in a context of its own; what it requests beside its file, and what it complains about, fails."""
    context = browser.new_context(offline=True, viewport=settings.pop("viewport", DESKTOP), **settings)
    tab, wrong = context.new_page(), []
    allowed = (path.as_uri(), "data:", "blob:")
    tab.on("request", lambda request: request.url.startswith(allowed) or wrong.append(request.url))
    tab.on("console", lambda message: wrong.append(message.text))
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.goto(path.as_uri())
    if draw:
        tab.evaluate("window.drawAll()")
    yield tab
    context.close()
    assert wrong == []


def shown(tab) -> list[str]:
    """The heads of the comparison that are shown."""
    return tab.locator(f"{COMPARISON} thead th").evaluate_all("heads => heads.map(head => head.dataset.head)")


def column(tab, head: str) -> list[str]:
    """The texts of a column of the comparison as it is shown."""
    number = shown(tab).index(head) + 1
    return [text.strip() for text in tab.locator(f"{COMPARISON} tbody tr td:nth-child({number})").all_inner_texts()]


def points(tab, variant: str) -> int:
    """How many points the first chart of quality draws of a variant that stand out."""
    return tab.evaluate(
        """name => [...document.querySelectorAll('#run1-quality_by_cost .mark-symbol path')]
        .filter(path => path.__data__.datum.variant === name && path.__data__.opacity === 1).length""",
        variant,
    )


def test_every_chart_is_drawn_without_a_request_or_a_complaint(browser, digits):
    with opened(browser, digits) as tab:
        empty = (
            "() => [...document.querySelectorAll('figure')].filter(f => !f.querySelector('.plot svg path[d]')).length"
        )
        assert tab.locator("figure.chart").count() > 10 and tab.evaluate(empty) == 0


def lowest_at_4():
    """Lowest mean FID ratio at 4 NFE of the committed digits run, by its own table."""
    with (ROOT / "results/reference/digits/tables/comparison.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["nfe"] in ("4", "4.0")]
    return min(float(row["fid_ratio"]) for row in rows if row["fid_ratio"])


def test_the_comparison_is_sorted_filtered_searched_and_its_columns_are_hidden(browser, digits):
    with opened(browser, digits, draw=False) as tab:
        tab.locator(f"{COMPARISON} th[data-head='FID ratio'] .dt-column-order").press("Enter")
        assert "diffusion" in column(tab, "method")[-1]
        tab.get_by_label("NFE", exact=True).select_option("4")
        ratios = [float(text.split()[0]) for text in column(tab, "FID ratio")]
        assert len(ratios) == 6 and ratios == sorted(ratios) and ratios[0] == pytest.approx(lowest_at_4(), abs=0.005)
        tab.locator("#run1-comparison").get_by_role("searchbox").fill("unrolled")
        assert len(column(tab, "method")) == 1 and "diffusion-unrolled-k4" in column(tab, "method")[0]
        before = shown(tab)
        tab.locator("#run1-comparison").get_by_role("button", name="Columns").press("Enter")
        tab.locator(".dt-button-collection button", has_text="era").press("Enter")
        assert shown(tab) == [head for head in before if head != "era"]


def test_every_table_fits_a_desktop_and_its_button_counts_the_hidden_columns(browser, digits):
    with opened(browser, digits, draw=False) as tab:
        wide = tab.evaluate(
            """() => [...document.querySelectorAll('.scroll, .scroll *')]
            .filter(one => getComputedStyle(one).overflowX === 'auto' && one.checkVisibility())
            .filter(one => one.scrollWidth > one.clientWidth + 1).map(one => one.querySelector('table').id)"""
        )
        assert wide == []
        button = tab.locator("#run1-comparison").get_by_role("button", name="Columns")
        assert "Columns (5 hidden)" in button.inner_text() and "seeds" not in shown(tab)
        button.press("Enter")
        tab.locator(".dt-button-collection button", has_text="seeds").press("Enter")
        assert "Columns (4 hidden)" in button.inner_text() and set(column(tab, "seeds")) == {"5"}


def test_paper_and_the_csv_file_have_the_hidden_columns(browser, digits, tmp_path):
    with opened(browser, digits, draw=False) as tab:
        few = shown(tab)
        with tab.expect_download() as download:
            tab.locator("#run1-comparison").get_by_role("button", name="CSV").press("Enter")
        download.value.save_as(tmp_path / "comparison.csv")
        tab.evaluate("dispatchEvent(new Event('beforeprint'))")
        every = shown(tab)
        assert {"seeds", "status", "training FLOPs", "extractor"} <= {*every} - {*few}
        tab.evaluate("dispatchEvent(new Event('afterprint'))")
        assert shown(tab) == few
    with (tmp_path / "comparison.csv").open(encoding="utf-8-sig", newline="") as file:
        assert next(csv.reader(file)) == every


def test_the_legend_switches_series_and_the_table_selects_them_by_keyboard(browser, digits):
    with opened(browser, digits) as tab:
        before = points(tab, "meanflow")
        assert before == 6
        tab.locator("[data-series=meanflow]").press("Space")
        tab.wait_for_function(
            "name => document.querySelector(`[data-series=${name}]`).ariaPressed === 'false'", arg="meanflow"
        )
        tab.wait_for_timeout(200)
        assert points(tab, "meanflow") == 0 and points(tab, "sdae") == 7
        tab.locator("[data-series=meanflow]").press("Space")
        tab.locator("input[data-variant=diffusion]").first.press("Space")
        tab.wait_for_timeout(200)
        assert points(tab, "diffusion") == 8 and points(tab, "meanflow") == 0
        assert tab.locator(f"{COMPARISON} tr.chosen").count() == 8


def test_tab_reaches_every_control_and_a_question_mark_explains_its_column(browser, digits):
    with opened(browser, digits, draw=False) as tab:
        seen = set()
        for _ in range(120):
            tab.keyboard.press("Tab")
            seen.add(
                tab.evaluate(
                    "(e => e.dataset.series ?? e.className.split(' ')[0] ?? e.tagName)(document.activeElement)"
                )
            )
        assert {"skip", "meanflow", "help", "scroll", "dt-button"} <= seen
        order = column(tab, "method")
        tab.locator(f"{COMPARISON} th[data-head='FID ratio'] .help").press("Enter")
        assert "FID over its floor" in tab.locator("#explained").inner_text() and column(tab, "method") == order
        tab.keyboard.press("Escape")
        assert not tab.locator("#explained").is_visible()


def test_without_javascript_the_page_is_tables_and_pictures(browser, digits):
    with opened(browser, digits, draw=False, java_script_enabled=False) as tab:
        assert tab.locator(f"{COMPARISON} tbody tr").count() == 35 and tab.locator("noscript img").count() >= 5
        assert not [one for one in tab.locator(".scripted").all() if one.is_visible()]
        assert tab.locator("table.gallery img").first.is_visible()


@pytest.mark.skipif(not AXE.is_file(), reason=f"needs axe-core: {INSTALL}")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser, digits, scheme):
    with opened(browser, digits, color_scheme=scheme) as tab:
        tab.evaluate(AXE.read_text())
        found = tab.evaluate("axe.run().then(result => result.violations)")
    assert [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")] == []


def test_the_page_fits_a_phone_and_is_dark_where_the_reader_is(browser, digits):
    with opened(browser, digits, viewport={"width": 390, "height": 844}, color_scheme="dark") as tab:
        assert tab.evaluate("document.documentElement.scrollWidth") == 390
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
        assert color_of_black(tab) == "rgb(242, 242, 242)"
        name_ends, chain_begins = tab.evaluate(
            """() => {
                const boxes = part => [...document.querySelectorAll(`#run1-reach ${part}`)]
                    .filter(one => one.tagName === 'path' || /[a-z]/.test(one.textContent))
                    .map(one => one.getBoundingClientRect());
                return [Math.max(...boxes('.role-axis-label text').map(box => box.right)),
                        Math.min(...boxes('.mark-symbol path').map(box => box.left))];
            }"""
        )
        assert name_ends <= chain_begins


def color_of_black(tab) -> str:
    """The colour in which the series that the figures draw in black is drawn now."""
    return tab.evaluate("getComputedStyle(document.querySelector('#run1-along_training [stroke*=black]')).stroke")


def test_the_page_prints_as_a_short_document_on_white_without_its_controls(browser, digits):
    with opened(browser, digits, color_scheme="dark") as tab:
        tab.emulate_media(media="print", color_scheme="dark")
        for control in (".help", ".dt-buttons", "#run1-training_curves", "#run1-records"):
            assert not tab.locator(control).first.is_visible(), control
        for content in (COMPARISON, "#run1-quality_by_cost .plot svg", "#run1-costs", "#run1-methods", ".paper"):
            assert tab.locator(content).first.is_visible(), content
        assert color_of_black(tab) == "rgb(0, 0, 0)"
        pages = len(re.findall(rb"/Type */Page\b", tab.pdf(prefer_css_page_size=True)))
        assert 6 <= pages <= 12


def test_charts_that_nobody_scrolled_to_are_drawn_before_somebody_prints(browser, digits):
    with opened(browser, digits, draw=False) as tab:
        tab.wait_for_function(
            "() => [...document.querySelectorAll('figure.chart')].every(one => one.querySelector('.plot svg'))"
        )


def test_hostile_names_run_nothing_and_leave_the_table_as_text(browser, hostile, tmp_path):
    with opened(browser, hostile) as tab:
        assert tab.evaluate("window.hacked") is None
        assert TITLE in tab.locator("#run1-comparison-all").inner_text()
        with tab.expect_download() as download:
            tab.locator("#run1-failed").get_by_role("button", name="CSV").press("Enter")
        download.value.save_as(tmp_path / "failed.csv")
    with (tmp_path / "failed.csv").open(encoding="utf-8-sig") as file:
        assert f"'{REASON}" in {row["reason"] for row in csv.DictReader(file)}


def test_a_switch_shows_one_results_folder_at_a_time(browser, tmp_path):
    for name, variants in (("first", ("sdae",)), ("second", ("meanflow",))):
        fake_run.write_run(tmp_path / name, variants, n_seeds=1, npz=False)
    page.write(
        [run_of(tmp_path / name, place) for place, name in enumerate(("first", "second"), 1)], tmp_path / "p.html"
    )
    with opened(browser, tmp_path / "p.html", draw=False) as tab:
        assert [tab.locator(f"#run{place}").is_visible() for place in (1, 2)] == [True, False]
        tab.get_by_role("link", name="second", exact=True).press("Enter")
        tab.wait_for_function("() => document.getElementById('run1').hidden")
        assert [tab.locator(f"#run{place}").is_visible() for place in (1, 2)] == [False, True]
