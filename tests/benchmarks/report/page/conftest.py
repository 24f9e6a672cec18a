"""Pages to test: of the committed digits run, and of a run whose names and reasons are attacks."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.report import page, tables
from benchmarks.report.frames import aa, read
from benchmarks.report.frames.comparison import comparison
from tests import ROOT
from tests.benchmarks import fake_run

DIGITS = ROOT / "results" / "reference" / "digits"
VARIANT = "<img src=x onerror=hacked=1>"
TITLE = "</script><script>window.hacked = 1</script>"
REASON = "=HYPERLINK('evil') | \\input{secret} $x^$ <b>bold</b>"


def run_of(folder: Path, place: int = 1) -> page.Run:
    """A results folder as `report.write` hands it to the page."""
    frames = read(folder)
    compared = comparison(frames, aa.noise(frames))
    return page.Run(place, frames, compared, tables.computed(compared, frames, []))


def hostile_records(folder: Path) -> None:
    """A run with a variant, a title and a reason that are markup or formulas."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(fake_run.RATIOS, VARIANT, fake_run.RATIOS["meanflow"])
        patched.setitem(fake_run.VARIANTS, VARIANT, fake_run.VARIANTS["meanflow"] | {"title": TITLE})
        fake_run.write_run(folder, (VARIANT, "sdae", "meanflow"), n_seeds=2, npz=False)
    fake_run.write(folder, fake_run.failed("diffusion", 0, "failed", REASON))


@pytest.fixture(scope="session")
def digits_run() -> page.Run:
    """The committed digits run; reading it takes seconds."""
    return run_of(DIGITS)


@pytest.fixture(scope="session")
def digits(digits_run, tmp_path_factory) -> Path:
    """The page of the committed digits run."""
    path = tmp_path_factory.mktemp("page") / page.FILE
    assert page.write([digits_run], path) == []
    return path


@pytest.fixture(scope="session")
def hostile(tmp_path_factory) -> Path:
    """The page of a run whose names are attacks."""
    folder = tmp_path_factory.mktemp("hostile")
    hostile_records(folder)
    assert page.write([run_of(folder)], folder / page.FILE) == []
    return folder / page.FILE
