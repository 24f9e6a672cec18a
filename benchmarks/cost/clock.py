"""Seconds of a call: synchronised with the device, without warm-up, as quantiles over repeats."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

MAX_QUEUED = 20  # calls in flight at once: a GPU takes some thousand launches before it makes the host wait


@dataclass(frozen=True)
class Timing:
    """Quantiles of the seconds of one call.

    median_seconds, p10_seconds, p90_seconds: over the repeats.
    repeats: number of timed calls.
    warmup_seconds: seconds of all warm-up calls before them.
    """

    median_seconds: float
    p10_seconds: float
    p90_seconds: float
    repeats: int
    warmup_seconds: float


def time_calls(
    fn: Callable[[], object],
    device: torch.device | str,
    warmup_seconds: float = 0.5,
    min_repeats: int = 5,
    min_seconds: float = 1.0,
) -> Timing:
    """Times `fn()` after a warm-up.

    fn: the call.
    device: that it computes on.
    warmup_seconds: the warm-up lasts at least so long, and at least one call.
    min_repeats: timed calls, at least.
    min_seconds: seconds of timed calls, at least.
    """
    warmup = sum(_repeat(fn, torch.device(device), 1, warmup_seconds, math.inf))
    return replace(time_repeats(fn, device, min_repeats, min_seconds), warmup_seconds=warmup)


def time_repeats(
    fn: Callable[[], object],
    device: torch.device | str,
    min_repeats: int,
    min_seconds: float,
    max_seconds: float = math.inf,
) -> Timing:
    """Times `fn()` without a warm-up.

    max_seconds: after so many seconds two repeats are enough, since long calls average over short disturbances.

    Other arguments as in `time_calls`.
    """
    seconds = _repeat(fn, torch.device(device), min_repeats, min_seconds, max_seconds)
    p10, median, p90 = (float(q) for q in np.quantile(seconds, [0.1, 0.5, 0.9]))
    return Timing(median, p10, p90, len(seconds), 0.0)


def host_and_device(fn: Callable[[], object], device: torch.device | str, timing: Timing) -> tuple[float, float | None]:
    """Returns the median seconds of `fn()` on the host, until it returns, and on the GPU, from first to last operation.

    Calls follow each other without waiting, so if both are nearly equal the host's launches limit the speed. On a CPU
    the result is the median of `timing`, and None.

    timing: of the same calls.
    """
    device = torch.device(device)
    if device.type != "cuda":
        return timing.median_seconds, None
    events = [[torch.cuda.Event(enable_timing=True) for _ in range(2)] for _ in range(min(timing.repeats, MAX_QUEUED))]
    host: list[float] = []
    synchronise(device)
    for first, last in events:
        began = time.perf_counter()
        first.record()
        fn()
        last.record()
        host.append(time.perf_counter() - began)
    synchronise(device)
    on_device = [first.elapsed_time(last) / 1000 for first, last in events]
    return float(np.median(host)), float(np.median(on_device))


def synchronise(device: torch.device) -> None:
    """Waits until the device has finished all work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def now(device: torch.device) -> float:
    """Returns the host's clock in seconds, after the device has finished all work."""
    synchronise(device)
    return time.perf_counter()


def _repeat(
    fn: Callable[[], object], device: torch.device, min_repeats: int, min_seconds: float, max_seconds: float
) -> list[float]:
    seconds: list[float] = []
    while len(seconds) < min_repeats or sum(seconds) < min_seconds:
        start = now(device)
        fn()
        seconds.append(now(device) - start)
        if len(seconds) >= 2 and sum(seconds) >= max_seconds:
            break
    return seconds
