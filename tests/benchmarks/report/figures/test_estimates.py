"""The numbers of a figure's title with their intervals: none is missing, and they are those of the records."""

from __future__ import annotations

import re
from functools import cache

import pytest

from benchmarks.report import estimates, figures
from benchmarks.report.figures import style
from benchmarks.report.frames import Frames, read
from benchmarks.report.frames.intervals import half_width
from tests import ROOT

# Committed run -> figures whose titles have numbers of it.
DRAWN = {
    "digits": ("after_pretraining", "two_eras", "fid_vs_nfe", "paths", "reach", "mismatch", "loss_families"),
    "stepwise": ("chain_length", "one_change"),
    "depth": ("depth", "depth_gradients"),
}
MEASURED = re.compile(r"\d[\d,]*\.\d+(?:e-?\d+)?|\d+(?= %)")
INTERVAL = re.compile(r": \S+( ± \S+( %)?|, 95 % CI \S+ to \S+) \([2-9]\d* training seeds\)$")


@cache
def run(name: str) -> Frames:
    frames = read(ROOT / "results" / "reference" / name)
    return frames.of(frames.datasets[0])


@pytest.mark.parametrize(("name", "figure"), [(name, figure) for name in DRAWN for figure in DRAWN[name]])
def test_every_number_of_a_title_has_its_interval(name, figure):
    with style.context(), style.staged((9, 4)):
        drawn = figures.drawn(figure, run(name))
    title, lines = drawn.get_suptitle().replace("\u00a0", " "), drawn.estimates
    assert lines and all(INTERVAL.search(line) for line in lines)
    numbers = MEASURED.findall(title)
    assert numbers and not [number for number in numbers if number not in " ".join(lines)]


def test_every_figure_with_intervals_is_tested():
    stating = {name for name in figures.names() if hasattr(figures._module(name), "_estimates")}
    assert stating == {figure for names in DRAWN.values() for figure in names}


def test_a_mean_of_seeds_stands_with_half_of_its_t_interval_and_their_number():
    values = [1.0, 2.0, 4.0]
    half = half_width(1.5275, 3)
    assert estimates.of_values("A", values) == f"A: 2.33 ± {half:.2f} (3 training seeds)"
    assert estimates.of_values("A", values, counted=estimates.launches).endswith("(3 timing launches)")
    assert estimates.of_ratio("A", 0.5, 0.25, 1, 3) == "A: 0.500, 95 % CI 0.250 to 1 (3 training seeds)"
    assert estimates.of_mean("A", 0.5, 0.02, 2, estimates.shares(1)) == "A: 50.0 ± 2.0 % (2 training seeds)"


def test_one_seed_has_no_interval_and_says_so():
    assert estimates.of_values("A", [2.0]) == "A: 2.00 (1 training seed, so no interval)"
    assert estimates.of_ratio("A", 0.5, float("nan"), float("nan"), 1) == "A: 0.500 (1 training seed, so no interval)"
