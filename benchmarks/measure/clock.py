"""Seconds of a call: device-synchronised, warm-up apart, median of repeats."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch


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
    warmup = _repeat(fn, torch.device(device), 1, warmup_seconds)
    seconds = _repeat(fn, torch.device(device), min_repeats, min_seconds)
    p10, median, p90 = (float(q) for q in np.quantile(seconds, [0.1, 0.5, 0.9]))
    return Timing(median, p10, p90, len(seconds), sum(warmup))


def _repeat(fn: Callable[[], object], device: torch.device, min_repeats: int, min_seconds: float) -> list[float]:
    seconds: list[float] = []
    while len(seconds) < min_repeats or sum(seconds) < min_seconds:
        start = _now(device)
        fn()
        seconds.append(_now(device) - start)
    return seconds


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
