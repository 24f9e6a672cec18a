"""Seconds of a call: device-synchronised, warm-up apart, quantiles of repeats; the host's part apart on a GPU."""

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
    """Quantiles of the seconds of one call over `repeats` calls, and what the warm-up before them took."""

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
    """Time `fn()` at least `min_repeats` times and for at least `min_seconds`, after at least one warm-up call."""
    warmup = sum(_repeat(fn, torch.device(device), 1, warmup_seconds, math.inf))
    return replace(time_repeats(fn, device, min_repeats, min_seconds), warmup_seconds=warmup)


def time_repeats(
    fn: Callable[[], object],
    device: torch.device | str,
    min_repeats: int,
    min_seconds: float,
    max_seconds: float = math.inf,
) -> Timing:
    """Time `fn()`, which is warm already, as often and as long as asked.

    After `max_seconds` two repeats are enough: calls so long average over what disturbs short ones.
    """
    seconds = _repeat(fn, torch.device(device), min_repeats, min_seconds, max_seconds)
    p10, median, p90 = (float(q) for q in np.quantile(seconds, [0.1, 0.5, 0.9]))
    return Timing(median, p10, p90, len(seconds), 0.0)


def host_and_device(fn: Callable[[], object], device: torch.device | str, timing: Timing) -> tuple[float, float | None]:
    """Median seconds until `fn()` returns, and between its first and last work on the device.

    Calls follow each other without waiting, so where the second is near the first, launches are what takes the time.
    On a CPU the host does the work: the median of `timing`, which is of the same calls, and None.
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
    """Wait until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def now(device: torch.device) -> float:
    """Seconds on the host's clock, once the device has done what it was given."""
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
