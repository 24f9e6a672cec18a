"""Joules of a call, from the GPU's energy counter (NVML); None, never 0, where there is no counter.

The counter is of the whole board, idle power included, so its result is valid only on a device that no other process
uses. It is updated every 20 to 100 ms, so it is read over windows of several seconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import torch

from benchmarks.cost.clock import now

WINDOW_SECONDS = 3.0
MIN_JOULES = 1.0  # a counter that counts less in a window of seconds does not work


def joules_per_call(
    fn: Callable[[], object], device: torch.device | str, counter: Callable[[], float] | None
) -> float | None:
    """Returns the mean joules of `fn()` over calls that fill a window; None without a working counter.

    fn: the call.
    device: that it computes on.
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
    """Returns a function that reads the joules used by the GPU since its driver started; None without a counter."""
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
    """Returns the number of other processes that compute on the GPU; None where it is unknown, as on a CPU."""
    if (found := _handle(torch.device(device))) is None:
        return None
    nvml, handle = found
    try:
        pids = {process.pid for process in nvml.nvmlDeviceGetComputeRunningProcesses(handle)}
    except nvml.NVMLError:
        return None
    # In a container the driver may know this process by another id; then one of the ids is taken to be this process.
    return len(pids - {os.getpid()}) if os.getpid() in pids else max(len(pids) - 1, 0)


def _handle(device: torch.device) -> tuple | None:
    """Returns the NVML module and its handle of the GPU that torch uses, also under CUDA_VISIBLE_DEVICES."""
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
