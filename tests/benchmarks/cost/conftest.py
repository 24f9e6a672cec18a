"""The clock of the timing tests."""

import pytest

from benchmarks.cost import timing
from tests.benchmarks.cost.test_timing import PEAKS, Clock


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr("time.perf_counter", lambda: clock.wall)
    monkeypatch.setattr("time.process_time", lambda: clock.cpu)
    monkeypatch.setattr(timing, "measure_peaks", lambda device: PEAKS)
    return clock
