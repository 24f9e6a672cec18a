"""A slice of each campaign; the whole ones run from the command line (see `tests.campaign`)."""

import re

import pytest

from benchmarks.errors import BadInput
from tests import ROOT
from tests.campaign import command_lines, damaged_files
from tests.campaign.attempts import campaign, ended


@pytest.mark.parametrize(("kind", "count"), [(command_lines, 40), (damaged_files, 24)], ids=["lines", "files"])
def test_bad_input_ends_in_one_line_and_touches_nothing_else(kind, count):
    assert campaign(kind.make, count, seed=1)["bad"] == []


def test_a_campaign_notices_every_bad_end(monkeypatch, tmp_path):
    monkeypatch.setattr("tests.campaign.attempts.SECONDS", 0.1)

    def refuse(message):
        raise BadInput(message)

    def loop():
        while True:
            pass

    for attempt, outcome in (
        (lambda: "accepted", "accepted"),
        (lambda: refuse("a: b"), "refused"),
        (lambda: refuse("a\nb"), "no short line"),
        (lambda: refuse("x" * 3000), "no short line"),
        (lambda: refuse("\x1b[2J"), "no short line"),
        (lambda: 1 / 0, "traceback"),
        (loop, "hang"),
    ):
        assert ended(attempt)[0] == outcome

    def elsewhere(rng, folder):
        return "writer", lambda: (folder.parent / "stray").write_text("") or "accepted"

    assert "wrote elsewhere" in campaign(elsewhere, 1)["bad"][0]


def test_the_committed_overview_names_tests_and_summaries_that_exist():
    folder = ROOT / "results" / "reference" / "chaos"
    page = (folder / "README.md").read_text()
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", page)
    assert len(named) > 20
    for file, name in named:
        assert any(f"def {name}(" in path.read_text() for path in (ROOT / "tests").rglob(file)), name
    for link in re.findall(r"\]\(([^)]+)\)", page):
        assert (folder / link).is_file(), link
