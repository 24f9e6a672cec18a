"""Samplers are timed in turns: a computer whose speed changes slows all rows alike, and is seen."""

import numpy as np
import pytest
import torch

from benchmarks.cost import sanity_checks, timing
from benchmarks.cost.clock import time_repeats
from benchmarks.cost.rounds import N_ROUNDS, in_turns, reference_product
from benchmarks.cost.timing_samples import LONG, MIN_REPEATS, SampleClock
from tests.benchmarks.cost.test_timing import BATCH, FIXED, ROW, Job


def timed_at(clock, slowness, job=None):
    """The record's `timing` on a computer that is slower by a factor of its own in each of the rounds."""

    def progress(phase, share):
        clock.slowness = slowness[int(share * N_ROUNDS + 1e-9)] if phase == "timing samples" else 1.0

    return timing.measure_timing(job or Job(clock), progress)["timing"]


@pytest.mark.parametrize("slowness", [(1.0, 1.2, 1.1), (1.0, 3.0, 1.0), (2.0, 1.0, 1.0)])
def test_seconds_are_the_median_over_rounds_and_ratios_do_not_see_that_the_computer_slows(clock, slowness):
    usual = float(np.median(slowness))
    for row in timed_at(clock, slowness)["samples"]:
        chain = FIXED + row["nfe"] * BATCH * ROW
        assert row["sample_ms_per_image"] == pytest.approx(1000 * usual * chain / BATCH)
        assert row["round_seconds"] == pytest.approx([factor * chain for factor in slowness])
        assert row["latency_p50_ms"] == pytest.approx(1000 * usual * (FIXED + row["nfe"] * ROW))
        # On this clock the product takes no time, so the reference is an evaluation of a batch.
        assert row["reference_ratio"] == pytest.approx(chain / (BATCH * ROW))
        assert row["sampler_efficiency"] == pytest.approx(row["nfe"] * BATCH * ROW / chain)


def test_rows_whose_rounds_disagree_are_flagged_by_sampler_nfe_and_spread(clock):
    flags = timed_at(clock, (1.0, 1.4, 1.0))["flags"]
    assert flags == [f"honest at {nfe}: rounds of a batch of {n} differ by 40%" for nfe in (1, 4) for n in (BATCH, 1)]


def test_rounds_within_a_quarter_are_not_flagged(clock):
    assert timed_at(clock, (1.0, 1.24, 1.1))["flags"] == []


def test_an_efficiency_above_one_by_more_than_noise_is_flagged():
    assert sanity_checks.beyond_whole("euler", 4, 1.04) is sanity_checks.beyond_whole("euler", 4, None) is None
    assert sanity_checks.beyond_whole("euler", 4, 1.2) == "euler at 4: its evaluations alone take 120% of its time"


def test_a_quantity_is_timed_once_a_round_after_the_reference():
    order, shares = [], []
    found = in_turns({name: lambda name=name: order.append(name) for name in ("reference", "a", "b")}, shares.append)
    assert order == ["reference", "a", "b"] * N_ROUNDS and shares == sorted(shares)
    assert [len(rounds.timings) for rounds in found.values()] == [N_ROUNDS] * 3


@pytest.mark.parametrize("call_seconds", [0.001, 0.01, 0.03, 0.05, 0.066, 0.07, 0.1, 0.3, 0.4, 1.0])
def test_the_rounds_take_at_most_half_as_long_again_as_one_measurement(clock, call_seconds):
    job = Job(clock)
    paradigm = job.build()
    paradigm.sample = lambda *_: clock.work(call_seconds)
    timed = SampleClock(job, paradigm, None)
    draw, seconds = timed.draw(BATCH, 1, "honest"), timed.seconds
    time_repeats(draw, job.device, MIN_REPEATS, seconds, LONG * seconds)
    at_once, clock.wall = clock.wall, 0.0
    in_turns({"batch": timed.in_a_round(draw, 1, seconds)}, lambda share: None)
    assert clock.wall <= 1.5 * at_once + 1e-9


def test_the_reference_product_is_timed_by_several_repeats():
    found = reference_product(torch.device("cpu"))()
    assert found.repeats > 1 and found.median_seconds > 0
