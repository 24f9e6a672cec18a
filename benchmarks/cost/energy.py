"""Joules of a call, from the GPU's own energy counter (NVML); None where there is none, never 0.

The counter counts the whole board, idle power included, so it is about a device that nobody else uses. It is updated
every 20 to 100 ms, hence windows of several seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from benchmarks.cost.clock import now

WINDOW_SECONDS = 3.0
MIN_JOULES = 1.0  # a counter that moved by less in a window of seconds does not work


def joules_per_call(
    fn: Callable[[], object], device: torch.device | str, counter: Callable[[], float] | None
) -> float | None:
    """Mean joules of `fn()` over calls that fill a window; None without `counter` or where it stands still.

    counter: joules since some moment, from `energy_counter`.
    """
    if counter is None:
        return None
    device = torch.device(device)
    calls, start, before = 0, now(device), counter()
    while now(device) - start < WINDOW_SECONDS:
        fn()
        calls += 1
    spent = counter() - before
    return spent / calls if spent >= MIN_JOULES else None


def energy_counter(device: torch.device | str) -> Callable[[], float] | None:
    """A function that gives the joules that the GPU has used since its driver started; None where it does not say."""
    if (found := _handle(torch.device(device))) is None:
        return None
    nvml, handle = found

    def joules() -> float:
        return nvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000

    try:
        joules()
    except nvml.NVMLError:
        return None
    return joules


def others_on(device: torch.device | str) -> int | None:
    """Number of other processes that compute on the GPU; None where that cannot be known (on a CPU, for one)."""
    if (found := _handle(torch.device(device))) is None:
        return None
    nvml, handle = found
    try:
        pids = {process.pid for process in nvml.nvmlDeviceGetComputeRunningProcesses(handle)}
    except nvml.NVMLError:
        return None
    # In a container the driver may know this process by another number: one of them is then taken for it.
    return len(pids - {os.getpid()}) if os.getpid() in pids else max(len(pids) - 1, 0)


def _handle(device: torch.device) -> tuple | None:
    """The NVML module and its handle of the very GPU that torch uses, whatever CUDA_VISIBLE_DEVICES hides."""
    if device.type != "cuda":
        return None
    try:
        import pynvml as nvml
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
        uuid = str(torch.cuda.get_device_properties(device).uuid)
        return nvml, nvml.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith("GPU-") else f"GPU-{uuid}")
    except (nvml.NVMLError, AttributeError):
        return None
