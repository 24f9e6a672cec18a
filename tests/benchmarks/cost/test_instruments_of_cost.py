"""Clock, peak and energy counter, on devices whose time and energy are made up."""

import sys
from types import SimpleNamespace

import pytest
import torch

from benchmarks.cost import clock, energy, peak
from benchmarks.cost.clock import Timing, host_and_device, time_calls, time_repeats
from benchmarks.cost.energy import energy_counter, joules_per_call, others_on
from benchmarks.flops import count_flops

CPU = torch.device("cpu")
HOST, DEVICE = 1.0, 5.0
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")


class Asynchronous:
    """A device that works DEVICE seconds on what the host hands over in HOST seconds, one call after another."""

    def __init__(self, monkeypatch):
        self.host = self.busy_until = 0.0
        device = self

        class Event:
            def __init__(self, enable_timing):
                assert enable_timing

            def record(self):
                self.seconds = max(device.host, device.busy_until)

            def elapsed_time(self, other):
                return 1000 * (other.seconds - self.seconds)

        monkeypatch.setattr("time.perf_counter", lambda: self.host)
        monkeypatch.setattr(torch.cuda, "synchronize", self.synchronise)
        monkeypatch.setattr(torch.cuda, "Event", Event)

    def call(self):
        self.host += HOST
        self.busy_until = max(self.host, self.busy_until) + DEVICE

    def synchronise(self, device):
        self.host = max(self.host, self.busy_until)


def test_a_call_lasts_until_the_device_has_finished_it(monkeypatch):
    device = Asynchronous(monkeypatch)
    timing = time_calls(device.call, "cuda", warmup_seconds=0, min_repeats=3, min_seconds=0)
    assert timing.median_seconds == HOST + DEVICE  # without synchronisation it would be HOST


def test_the_hosts_time_is_its_own_and_the_devices_is_between_its_events(monkeypatch):
    device = Asynchronous(monkeypatch)
    host, on_device = host_and_device(device.call, "cuda", Timing(6.0, 6.0, 6.0, 100, 0.0))
    assert (host, on_device) == (HOST, DEVICE)


def test_the_devices_time_of_a_call_that_waits_for_launches_is_that_of_the_launches(monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "DEVICE", 0.25)
    device = Asynchronous(monkeypatch)
    host, on_device = host_and_device(device.call, "cuda", Timing(1.0, 1.0, 1.0, 10, 0.0))
    assert host == HOST and on_device == pytest.approx(HOST, abs=0.3)


def test_on_a_cpu_the_host_is_all_there_is():
    timing = Timing(2.0, 1.0, 3.0, 5, 0.0)
    assert host_and_device(lambda: pytest.fail("measured already"), "cpu", timing) == (2.0, None)


def test_two_long_calls_are_enough(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])

    def call():
        now[0] += 3.0

    assert time_repeats(call, "cpu", 10, 1.0, max_seconds=4.0).repeats == 2
    assert time_repeats(call, "cpu", 10, 1.0, max_seconds=7.0).repeats == 3
    assert time_repeats(call, "cpu", 10, 1.0).repeats == 10


def test_a_peak_is_the_best_size_by_its_median(monkeypatch):
    medians = [1.0, 2.0, 60.0, 3.0, 9.0]
    monkeypatch.setitem(peak.MATRICES, "cpu", (10, 20, 30))
    monkeypatch.setitem(peak.CHANNELS, "cpu", (2, 3))
    monkeypatch.setitem(peak.IMAGES, "cpu", (5, 4))
    found = iter(medians)
    monkeypatch.setattr(peak, "time_calls", lambda *_: Timing(next(found), 0.0, 0.0, 3, 0.0))
    matmul, convolution = peak.measure_peaks("cpu").values()
    assert matmul == 2 * 20**3 / 2.0
    assert convolution == 2 * 5 * 16 * 9 * 2 * 2 / 3.0  # 5 images of 16 pixels, 9 x 2 x 2 products each


@pytest.mark.parametrize("call", [lambda: peak._product(32, CPU), lambda: peak._convolution(8, CPU)])
def test_the_flops_of_a_peak_are_those_that_the_counter_finds(call):
    call, flops = call()
    assert count_flops(call) == flops


def test_the_peaks_are_of_products_that_are_really_done():
    least, most = 1e8, 1e15  # FLOPs per second of any machine of this century, and of none
    assert all(least < rate < most for rate in peak.measure_peaks("cpu").values())


def test_the_peak_is_measured_in_the_precision_of_convolutions_and_leaves_the_setting_alone(monkeypatch):
    seen, settings = [], torch.backends.cuda.matmul
    before = settings.allow_tf32
    monkeypatch.setattr(peak, "_product", lambda n, device: (None, 0))
    monkeypatch.setattr(peak, "_convolution", lambda channels, device: (None, 0))
    monkeypatch.setattr(peak, "_rate", lambda *_: seen.append(settings.allow_tf32) or 1.0)
    for convolutions in (True, False):
        with torch.backends.cudnn.flags(allow_tf32=convolutions):
            peak.measure_peaks("cuda")
    assert seen == [True] * 3 + [before] * 9 and settings.allow_tf32 == before


@pytest.fixture
def window(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("time.perf_counter", lambda: now[0])
    return now


def test_joules_of_a_call_are_those_of_a_window_of_seconds_over_its_calls(window):
    calls = []

    def call():
        calls.append(1)
        window[0] += 0.4

    found = joules_per_call(call, "cpu", lambda: 1000.0 + 50.0 * window[0])
    assert len(calls) * 0.4 >= energy.WINDOW_SECONDS and found == pytest.approx(50 * 0.4)


def test_a_counter_that_stands_still_or_is_not_there_is_none_and_never_zero(window):
    def call():
        window[0] += 1.0

    assert joules_per_call(call, "cpu", lambda: 7.0) is None
    assert joules_per_call(lambda: pytest.fail("nothing to measure with"), "cpu", None) is None
    assert energy_counter("cpu") is None and others_on("cpu") is None


class FakeNvml(SimpleNamespace):
    """The few functions of pynvml that are used, of one GPU."""

    class NVMLError(Exception):
        pass

    def nvmlInit(self):
        if self.broken == "init":
            raise self.NVMLError

    def nvmlDeviceGetHandleByUUID(self, uuid):
        return uuid

    def nvmlDeviceGetTotalEnergyConsumption(self, handle):
        if self.broken == "energy":
            raise self.NVMLError
        return 5000 if handle == "GPU-abc" else pytest.fail(f"another GPU: {handle}")

    def nvmlDeviceGetComputeRunningProcesses(self, handle):
        return [SimpleNamespace(pid=pid) for pid in self.pids]


@pytest.fixture
def nvml(monkeypatch):
    fake = FakeNvml(broken=None, pids=[])
    monkeypatch.setitem(sys.modules, "pynvml", fake)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: SimpleNamespace(uuid="abc"))
    return fake


def test_the_energy_counter_is_that_of_the_gpu_that_torch_uses_in_joules(nvml):
    assert energy_counter("cuda")() == 5.0


@pytest.mark.parametrize("broken", ["init", "energy"])
def test_a_gpu_without_an_energy_counter_has_none(nvml, broken):
    nvml.broken = broken
    assert energy_counter("cuda") is None


def test_without_the_nvml_package_there_is_no_counter(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert energy_counter("cuda") is None and others_on("cuda") is None


@pytest.mark.parametrize(("pids", "others"), [([], 0), (["me"], 0), (["me", 2, 3], 2), ([77], 0), ([77, 78], 1)])
def test_other_processes_on_the_gpu_are_counted_whatever_this_one_is_called_there(nvml, monkeypatch, pids, others):
    monkeypatch.setattr(energy.os, "getpid", lambda: 1)
    nvml.pids = [1 if pid == "me" else pid for pid in pids]
    assert others_on("cuda") == others


@needs_gpu
def test_a_kernel_that_runs_long_is_waited_for():
    a = torch.randn(8192, 8192, device="cuda")
    timing = time_calls(lambda: a @ a, "cuda", 0.1, 5, 0.1)
    host, on_device = host_and_device(lambda: a @ a, "cuda", timing)
    assert host < 0.5 * on_device  # a launch takes microseconds, the product milliseconds
    assert timing.median_seconds > 0.8 * on_device


@needs_gpu
def test_the_clock_module_waits_only_for_a_gpu():
    clock.synchronise(torch.device("cuda"))
    assert all(rate > 1e11 for rate in peak.measure_peaks("cuda").values())
